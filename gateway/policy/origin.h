// Which pages may talk to a route: by HTTP and by WebSocket alike, for CORS guards no WebSocket.
#pragma once

#include <memory>
#include <string>

#include "policy/origin_list.h"
#include "policy/policy.h"

namespace postern::policy {

struct OriginOptions {
  std::shared_ptr<const OriginList> list;
  bool require_on_websocket = false;  // an upgrade must carry an Origin field
  std::string route;                  // its name, for the refusal
};

// A request without Origin passes (no browser sent it across origins), unless it is an upgrade and the list
// requires one. A request from the gateway's own scheme, host and port passes. Everything else must be on the
// list, or is refused with 403 and a detail that names the origin, the list and the route.
// Sets context.origin_checked always, and context.allowed_origin for an origin on the list.
class OriginPolicy final : public Policy {
 public:
  explicit OriginPolicy(OriginOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "origin"; }
  Verdict judge(RequestContext& context) const override;

 private:
  Verdict refuse(std::string_view what) const;

  OriginOptions options_;
};

// Whether `origin` is the one that the request itself was sent to: its scheme, and `authority`
// ("host[:port]").
bool is_same_origin(std::string_view origin, bool tls, std::string_view authority);

}  // namespace postern::policy
