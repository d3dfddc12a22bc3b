#include "policy/origin.h"

#include "base/ascii.h"
#include "policy/printable.h"

namespace postern::policy {

bool is_same_origin(std::string_view origin, bool tls, std::string_view authority) {
  OriginParts asking;
  if (!split_origin(origin, asking)) return false;
  const std::string_view scheme = tls ? "https" : "http";
  if (!base::equal_ignoring_case(asking.scheme, scheme)) return false;

  // The authority was checked when the head was read: the last colon outside brackets begins the port.
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  const std::string_view host = has_port ? authority.substr(0, colon) : authority;
  std::string_view port = has_port ? authority.substr(colon + 1) : std::string_view();
  if (port.empty()) port = default_port(scheme);
  if (asking.port.empty()) asking.port = default_port(scheme);
  return base::parse_decimal(port) == base::parse_decimal(asking.port) &&
         base::equal_ignoring_case(host, asking.host);
}

Verdict OriginPolicy::refuse(std::string_view what) const {
  std::string detail(what);
  detail.append(" origin list \"").append(options_.list->name()).append("\" (route \"");
  detail.append(options_.route).append("\")");
  return Verdict::answer(http::refusal(base::Cause::origin_refused, std::move(detail)));
}

Verdict OriginPolicy::judge(RequestContext& context) const {
  context.origin_checked = true;
  const http::HeaderField* field = nullptr;
  for (const http::HeaderField& candidate : context.request.headers) {
    if (candidate.id != http::FieldId::origin) continue;
    if (field != nullptr) return refuse("more than one Origin cannot be checked against");
    field = &candidate;
  }
  if (field == nullptr) {
    if (options_.require_on_websocket && context.request.upgrade == http::Upgrade::websocket)
      return refuse("a WebSocket without Origin is refused by");
    return Verdict::pass();
  }
  if (options_.list->allows(field->value)) {
    context.allowed_origin = field->value;
    return Verdict::pass();
  }
  if (is_same_origin(field->value, context.tls, context.request.authority)) return Verdict::pass();
  return refuse("origin \"" + printable(field->value) + "\" is not on");
}

}  // namespace postern::policy
