// Several ways into a route, of which one is enough: an address, a client certificate, a password, a token.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/jwt_source.h"
#include "policy/policy.h"

namespace postern::policy {

// One of the ways in.
struct WayIn {
  std::unique_ptr<const Policy> policy;
  // Removes the credentials of this way from a request that another way has let in: an endpoint gets none
  // that were not judged. Null: there are none.
  std::function<void(RequestContext&)> withdraw;
};

// Asks the ways in their order until one passes; so those with credentials come before the address, and a
// user is known to the endpoint wherever the client can log in. When none passes, the refusal is that of the
// first way for which the client had shown something, or else of the first way, and it carries the challenges
// of all.
class AnyAccessPolicy final : public Policy {
 public:
  // `route` is the name of the route, for the log.
  AnyAccessPolicy(std::vector<WayIn> ways, std::string route)
      : ways_(std::move(ways)), route_(std::move(route)) {}
  std::string_view name() const override { return "any_access"; }
  Verdict judge(RequestContext& context) const override;
  // A way in that has no use for what is late is closed; the next ones are asked.
  Verdict give_up(RequestContext& context) const override;
  void amend(const RequestContext& context, http::ResponseHead& head) const override;

 private:
  // `verdict` is what the way in said that is asked now.
  Verdict go_on(RequestContext& context, Verdict verdict) const;
  Verdict refuse(std::vector<http::LocalResponse> refusals) const;

  std::vector<WayIn> ways_;
  std::string route_;
};

// Removes tokens that were not judged, or were refused, from a request that passes for another reason. A
// subprotocol that a browser wants to see answered is answered all the same.
void remove_tokens(const std::vector<JwtSource>& sources, RequestContext& context);

}  // namespace postern::policy
