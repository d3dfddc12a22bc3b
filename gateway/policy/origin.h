// Which pages may talk to a route: by HTTP and by WebSocket alike, for CORS guards no WebSocket.
#pragma once

#include <memory>
#include <string>

#include "policy/origin_list.h"
#include "policy/policy.h"

namespace postern::policy {

// The hosts that the configuration names, of routes and of its own list.
class HostNames {
 public:
  virtual ~HostNames() = default;
  virtual bool contain(std::string_view host) const = 0;  // any case, without port and brackets
};

struct OriginOptions {
  std::shared_ptr<const OriginList> list;
  bool require_on_websocket = false;         // an upgrade must carry an Origin field
  std::string route{};                       // its name, for the refusal
  std::shared_ptr<const HostNames> hosts{};  // null: none is named
  bool refuse_navigations = false;
};

// A request without Origin passes (no browser sent it across origins), unless it is an upgrade and the list
// requires one. A request from the gateway's own scheme, host and port passes where the host is known for its
// own: over TLS, whose certificate proves it; where the configuration names it; for addresses and the names
// of localhost. Any other name may be somebody else's that was made to lead here (DNS rebinding). A browser
// that goes somewhere, by a link or a form, makes no CORS request and passes too, unless the options say
// otherwise. Everything else must be on the list, or is refused with 403 and a detail that names the origin,
// the list and the route. Sets context.origin_checked always, and context.allowed_origin for an origin on the
// list.
class OriginPolicy final : public Policy {
 public:
  explicit OriginPolicy(OriginOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "origin"; }
  Verdict judge(RequestContext& context) const override;

 private:
  Verdict refuse(std::string_view what, std::string_view more = {}) const;
  bool is_known(const RequestContext& context, std::string_view host) const;

  OriginOptions options_;
};

// Whether `origin` is the one that the request itself was sent to: its scheme, and `authority`
// ("host[:port]").
bool is_same_origin(std::string_view origin, bool tls, std::string_view authority);

// Whether a browser leaves its page for the answer (Fetch metadata, Sec-Fetch-Mode, which no script can set).
bool is_navigation(const http::RequestHead& request);

}  // namespace postern::policy
