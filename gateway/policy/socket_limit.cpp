#include "policy/socket_limit.h"
#include "base/error.h"
#include "policy/request_context.h"
#include "policy/verified_token.h"
#include "state/bindings.h"

namespace postern::policy {

tl::expected<void, std::string> take_places(const SocketLimits& limits,
                                            const std::shared_ptr<state::SocketCounts>& counts,
                                            RequestContext& context) {
  const auto enter = [&](std::string key, uint32_t limit) {
    if (limit == 0) return true;
    auto permit = state::SocketCounts::enter(counts, std::move(key), limit);
    if (!permit) return false;
    context.socket_permits.push_back(std::move(*permit));
    return true;
  };
  const auto refuse = [&](std::string_view what, uint32_t limit) {
    context.socket_permits.clear();
    return tl::unexpected(std::string(what) + " has " + std::to_string(limit) + " open");
  };
  if (!enter("all", limits.all)) return refuse("the route", limits.all);
  if (!enter("client " + context.client.client_network().text(), limits.per_client))
    return refuse("the client", limits.per_client);
  const std::string_view subject = context.token ? context.token->subject() : std::string_view();
  if (!subject.empty() && !enter("subject " + std::string(subject), limits.per_subject))
    return refuse("the token's subject", limits.per_subject);
  return {};
}

Verdict SocketLimitPolicy::judge(RequestContext& context) const {
  if (context.request.upgrade != http::Upgrade::websocket) return Verdict::pass();
  const tl::expected<void, std::string> taken =
      take_places(limits_, context.state.socket_counts[counts_], context);
  if (!taken) return Verdict::answer(http::refusal(base::Cause::too_many_sockets, taken.error()));
  return Verdict::pass();
}

}  // namespace postern::policy
