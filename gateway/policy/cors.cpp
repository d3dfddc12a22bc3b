#include "policy/cors.h"

#include <optional>
#include <span>

#include "base/ascii.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using http::FieldId;

constexpr size_t most_requested_headers = 64;  // echoed to a preflight; no browser requests more

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

// The field names that a preflight requests, joined again; empty when one of them is not a valid field name.
std::string requested_headers(const http::Headers& headers) {
  std::string echoed;
  size_t count = 0;
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::access_control_request_headers) continue;
    std::string_view list = field.value;
    while (const std::optional<std::string_view> name = base::next_element(list)) {
      if (!base::is_token(*name) || ++count > most_requested_headers) return {};
      if (!echoed.empty()) echoed += ", ";
      echoed += *name;
    }
  }
  return echoed;
}

bool is_cors_field(const http::HeaderField& field) {
  constexpr std::string_view prefix = "access-control-";
  return base::equal_ignoring_case(field.name.substr(0, prefix.size()), prefix);
}

// Adds `names` to the response's Vary, each once, in one field. A Vary of "*" already covers all names.
void vary_by(http::ResponseHead& head, std::span<const std::string_view> names) {
  if (head.headers.list_contains(FieldId::vary, "*")) return;
  std::string_view merged;
  size_t fields = 0;
  for (const http::HeaderField& field : head.headers) {
    if (field.id != FieldId::vary) continue;
    ++fields;
    if (!field.value.empty())
      merged = merged.empty() ? field.value : head.arena.keep({merged, ", ", field.value});
  }
  const bool one_field = fields == 1;
  bool added = false;
  for (std::string_view name : names) {
    if (base::list_contains(merged, name)) continue;
    merged = merged.empty() ? name : head.arena.keep({merged, ", ", name});
    added = true;
  }
  if (added || !one_field) head.headers.set("Vary", merged);
}

}  // namespace

bool is_preflight(const http::RequestHead& request) {
  return request.method == http::Method::options && request.headers.find(FieldId::origin) != nullptr &&
         request.headers.find(FieldId::access_control_request_method) != nullptr;
}

bool is_bare_preflight(const http::RequestHead& request) {
  if (!is_preflight(request) || request.body != http::BodyKind::none ||
      request.upgrade != http::Upgrade::none)
    return false;
  for (std::string_view name : {"x-http-method-override", "x-http-method", "x-method-override"})
    for (const http::HeaderField& field : request.headers)
      if (base::equal_as_variable(field.name, name)) return false;
  return true;
}

CorsPolicy::CorsPolicy(const CorsOptions& options)
    : methods_(joined(options.methods)),
      headers_(joined(options.headers)),
      expose_(joined(options.expose)),
      max_age_(std::to_string(options.max_age.count())),
      credentials_(options.credentials) {}

Verdict CorsPolicy::judge(RequestContext& context) const {
  if (context.allowed_origin.empty() || !is_preflight(context.request)) return Verdict::pass();
  context.preflight_answered = true;
  http::LocalResponse response;
  response.status = 204;
  if (!methods_.empty()) response.headers.emplace_back("Access-Control-Allow-Methods", methods_);
  std::string headers = headers_.empty() ? requested_headers(context.request.headers) : headers_;
  if (!headers.empty()) response.headers.emplace_back("Access-Control-Allow-Headers", std::move(headers));
  response.headers.emplace_back("Access-Control-Max-Age", max_age_);
  return Verdict::answer(std::move(response));
}

void CorsPolicy::amend(const RequestContext& context, http::ResponseHead& head) const {
  if (!context.preflight_answered && context.origin_checked) head.headers.remove_if(is_cors_field);
  add_fields(context.request, context.allowed_origin, context.preflight_answered, head);
}

void CorsPolicy::add_fields(const http::RequestHead& request, std::string_view allowed_origin,
                            bool to_preflight, http::ResponseHead& head) const {
  static constexpr std::string_view vary[] = {"Origin", "Access-Control-Request-Method",
                                              "Access-Control-Request-Headers"};
  vary_by(head, std::span(vary).first(is_preflight(request) ? 3 : 1));
  if (allowed_origin.empty()) return;
  head.headers.add("Access-Control-Allow-Origin", allowed_origin);
  if (credentials_) head.headers.add("Access-Control-Allow-Credentials", "true");
  if (!expose_.empty() && !to_preflight) head.headers.add("Access-Control-Expose-Headers", expose_);
}

}  // namespace postern::policy
