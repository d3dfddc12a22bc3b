#include "policy/origin.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "http/target.h"
#include "policy/origin_text.h"
#include "policy/printable.h"
#include "policy/report_only.h"
#include "policy/request_context.h"

namespace postern::policy {

bool is_same_origin(std::string_view origin, bool tls, std::string_view authority) {
  OriginParts asking;
  if (!split_origin(origin, asking)) return false;
  const std::string_view scheme = tls ? "https" : "http";
  if (!base::equal_ignoring_case(asking.scheme, scheme)) return false;

  // The authority was validated when the head was read: the last colon outside brackets begins the port.
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  const std::string_view host = has_port ? authority.substr(0, colon) : authority;
  std::string_view port = has_port ? authority.substr(colon + 1) : std::string_view();
  if (port.empty()) port = default_port(scheme);
  if (asking.port.empty()) asking.port = default_port(scheme);
  return base::parse_decimal(port) == base::parse_decimal(asking.port) && is_same_host(host, asking.host);
}

bool is_navigation(const http::RequestHead& request) {
  using http::Method;
  const bool of_page = request.method == Method::get || request.method == Method::head ||
                       request.method == Method::post;  // links and forms send no other method
  if (!of_page || request.upgrade != http::Upgrade::none) return false;
  std::string_view mode;
  size_t count = 0;
  for (const http::HeaderField& field : request.headers) {
    if (!base::equal_ignoring_case(field.name, "sec-fetch-mode")) continue;
    mode = field.value;
    ++count;
  }
  return count == 1 && mode == "navigate";
}

Verdict OriginPolicy::refuse(RequestContext& context, std::string_view what, std::string_view more) const {
  std::string detail(what);
  detail.append(" origin list \"").append(options_.list->name()).append("\" (route \"");
  detail.append(options_.route).append("\")").append(more);
  context.origin_checked = !options_.report_only;
  return settle(context, telemetry::ReportedRule::origins, options_.report_only,
                http::refusal(base::Cause::origin_refused, std::move(detail)));
}

// Whether a page of this host is certainly served by the gateway.
bool OriginPolicy::is_known(const RequestContext& context, std::string_view host) const {
  if (context.tls) return true;
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view localhost = "localhost";  // RFC 6761 6.3: never resolved by a name server
  const size_t labels = host.size() < localhost.size() ? 0 : host.size() - localhost.size();
  if (base::equal_ignoring_case(host.substr(labels), localhost) && (labels == 0 || host[labels - 1] == '.'))
    return true;
  return base::IpAddress::parse(host).has_value() || (options_.hosts && options_.hosts->contain(host));
}

Verdict OriginPolicy::judge(RequestContext& context) const {
  context.origin_checked = true;
  const http::HeaderField* field = nullptr;
  for (const http::HeaderField& candidate : context.request.headers) {
    if (candidate.id != http::FieldId::origin) continue;
    if (field != nullptr) return refuse(context, "more than one Origin cannot be checked against");
    field = &candidate;
  }
  if (field == nullptr) {
    if (options_.require_on_websocket && context.request.upgrade == http::Upgrade::websocket)
      return refuse(context, "a WebSocket without Origin is refused by");
    return Verdict::pass();
  }
  if (options_.list->allows(field->value)) {
    context.allowed_origin = field->value;
    return Verdict::pass();
  }
  std::string more;
  if (is_same_origin(field->value, context.tls, context.authority)) {
    const auto authority = http::read_authority(context.authority);
    const std::string_view host = authority ? authority->host : std::string_view();
    if (is_known(context, host)) return Verdict::pass();
    more =
        ", and that it is the request's own host proves nothing over plain HTTP, since any name can be made "
        "to "
        "lead here (DNS rebinding); if the name is yours, add this line to the configuration: hosts: [\"" +
        printable(host) + "\"]";
  }
  if (!options_.refuse_navigations && is_navigation(context.request)) return Verdict::pass();
  return refuse(context, "origin \"" + printable(field->value) + "\" is not on", more);
}

}  // namespace postern::policy
