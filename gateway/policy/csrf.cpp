#include "policy/csrf.h"

#include "base/ascii.h"
#include "base/error.h"
#include "policy/origin.h"
#include "policy/printable.h"
#include "policy/report_only.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using http::FieldId;

// A field that a request may have once; more than once, it is no value of a browser.
struct Field {
  std::string_view value{};
  size_t count = 0;

  void add(std::string_view text) { value = ++count == 1 ? text : std::string_view(); }
};

// What a request says of the page that it comes from.
struct Source {
  Field site;  // Sec-Fetch-Site
  Field origin;
  Field referer;
};

Source source_of(const http::RequestHead& request) {
  Source source;
  for (const http::HeaderField& field : request.headers) {
    if (field.id == FieldId::origin)
      source.origin.add(field.value);
    else if (field.id == FieldId::referer)
      source.referer.add(field.value);
    else if (field.id == FieldId::other && base::equal_ignoring_case(field.name, "sec-fetch-site"))
      source.site.add(field.value);
  }
  return source;
}

bool is_safe(const http::RequestHead& request) {  // RFC 9110 9.2.1
  using http::Method;
  return request.method == Method::get || request.method == Method::head ||
         request.method == Method::options || request.method_text == "TRACE";
}

// Whether the request has what a browser adds by itself, whatever page it comes from: cookies, or a password
// that it has asked its user for (RFC 7617) or uses for its user (RFC 4559). A page's own token is none.
bool has_ambient_credentials(const http::Headers& headers) {
  for (const http::HeaderField& field : headers) {
    if (field.id == FieldId::cookie) return true;
    if (field.id != FieldId::authorization) continue;
    const std::string_view scheme = field.value.substr(0, field.value.find_first_of(" \t"));
    for (const char* ambient : {"basic", "digest", "negotiate", "ntlm"})
      if (base::equal_ignoring_case(scheme, ambient)) return true;
  }
  return false;
}

// The origin of the page whose address a Referer field has.
std::string_view origin_of_address(std::string_view address) {
  const size_t scheme = address.find("://");
  if (scheme == address.npos) return {};
  return address.substr(0, address.find_first_of("/?#", scheme + 3));
}

}  // namespace

std::string CsrfPolicy::foreign_source(const RequestContext& context) const {
  constexpr std::string_view null_origin = "null";
  if (!context.allowed_origin.empty() && context.allowed_origin != null_origin) return {};
  const Source source = source_of(context.request);
  const auto named = [](std::string_view field, std::string_view value) {
    return std::string(field) + " \"" + printable(value) + "\"";
  };
  if (source.site.count != 0) {
    const std::string_view site = source.site.value;
    if (site == "same-origin" || site == "none" || (site == "same-site" && !options_.strict)) return {};
    const std::string said = named("Sec-Fetch-Site", site);
    return source.origin.count == 0 ? said : named("Origin", source.origin.value) + ", " + said;
  }
  if (source.origin.count != 0) {
    if (is_same_origin(source.origin.value, context.tls, context.authority)) return {};
    return named("Origin", source.origin.value);
  }
  if (source.referer.count != 0) {
    const std::string_view origin = origin_of_address(source.referer.value);
    const bool is_own = is_same_origin(origin, context.tls, context.authority);
    if (is_own || (origin != null_origin && options_.list->allows(origin))) return {};
    return named("Referer of", origin);
  }
  return options_.strict ? "neither Sec-Fetch-Site nor Origin nor Referer" : std::string();
}

Verdict CsrfPolicy::judge(RequestContext& context) const {
  if (is_safe(context.request) || !has_ambient_credentials(context.request.headers)) return Verdict::pass();
  const std::string source = foreign_source(context);
  if (source.empty()) return Verdict::pass();
  return settle(context, telemetry::ReportedRule::csrf, options_.report_only,
                http::refusal(base::Cause::cross_site_refused,
                              "a " + printable(context.request.method_text, http::method_size_max) +
                                  " with cookies or a password and " + source +
                                  " is refused by csrf of origin list \"" + options_.list->name() +
                                  "\" (route \"" + options_.route + "\")"));
}

}  // namespace postern::policy
