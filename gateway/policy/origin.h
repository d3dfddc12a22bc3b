// Checks which pages may use a route, over HTTP and over WebSocket: CORS does not protect WebSockets.
#pragma once

#include <memory>
#include <string>

#include "policy/origin_list.h"
#include "policy/policy.h"

namespace postern::policy {

// The hosts that the configuration names: those of routes, and those of its own list.
class HostNames {
 public:
  virtual ~HostNames() = default;
  virtual bool contain(std::string_view host) const = 0;  // any case, without port and brackets
};

struct OriginOptions {
  std::shared_ptr<const OriginList> list;
  bool require_on_websocket = false;         // an upgrade must carry an Origin field
  std::string route{};                       // its name, for the refusal message
  std::shared_ptr<const HostNames> hosts{};  // null: the configuration names none
  bool refuse_navigations = false;
  bool report_only = false;
};

// A request without Origin passes (no browser sent it cross-origin), unless it is an upgrade and the options
// require an Origin. A request from the gateway's own scheme, host and port passes when the host is known to
// be the gateway's: over TLS, where the certificate proves it; when the configuration names the host; for IP
// addresses and the names of localhost. Any other name may belong to someone else who made it resolve to the
// gateway (DNS rebinding). A browser navigation, by a link or a form, is not a CORS request and passes too,
// unless the options forbid it. Every other origin must be on the list, or the request is refused with 403
// and a detail that names the origin, the list and the route. Sets context.origin_checked, except where it
// reports only and would have refused; sets context.allowed_origin for an origin on the list.
class OriginPolicy final : public Policy {
 public:
  explicit OriginPolicy(OriginOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "origin"; }
  Verdict judge(RequestContext& context) const override;

 private:
  Verdict refuse(RequestContext& context, std::string_view what, std::string_view more = {}) const;
  bool is_known(const RequestContext& context, std::string_view host) const;

  OriginOptions options_;
};

// Whether `origin` equals the origin that the request was sent to: its scheme, and `authority`
// ("host[:port]").
bool is_same_origin(std::string_view origin, bool tls, std::string_view authority);

// Whether the browser navigates to the response (Fetch metadata, Sec-Fetch-Mode, which no script can set).
bool is_navigation(const http::RequestHead& request);

}  // namespace postern::policy
