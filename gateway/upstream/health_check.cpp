#include "upstream/health_check.h"

#include "base/error.h"
#include "upstream/connector.h"
#include "upstream/own_connection.h"

namespace postern::upstream {
namespace {

using base::Cause;
using base::Stage;

constexpr http::MessageLimits response_limits{64 * 1024, 0, 256, 16 * 1024};

http::RequestHead request_of(const HealthModel& health, const EndpointModel& endpoint) {
  http::RequestHead head;
  head.method_text = health.method;
  head.method = http::method_of(head.method_text);
  head.target = health.path;
  head.headers.add("Host", health.host.empty() ? endpoint.authority : health.host);
  head.headers.add("User-Agent", "postern-health-check");
  head.headers.add("Accept", "*/*");
  return head;
}

}  // namespace

base::Task<base::Result<void>> check_health(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                            const GroupModel& group, size_t index, std::string& account) {
  const HealthModel& health = *group.health;
  base::Phase phase(scope, Stage::connect, health.timeout, Cause::upstream_timed_out);
  net::DialTarget target = target_of(group, group.endpoints[index]);
  target.connect_limit = health.timeout;
  base::Task<base::Result<std::unique_ptr<net::Transport>>> dialling = dialer.dial(scope, target, account);
  base::Result<std::unique_ptr<net::Transport>> transport = co_await dialling;
  if (!transport) {
    if (account.empty()) account = base::traits(transport.error().cause).label;
    co_return base::fail(transport.error());
  }
  if (health.tcp) co_return base::Result<void>();

  const http::RequestHead request = request_of(health, group.endpoints[index]);
  OwnConnection connection(turn, std::move(*transport), response_limits);
  http::UpstreamStream& stream = connection->open_stream();
  stream.request_body().end();
  stream.send(request);
  for (;;) {
    base::Result<http::ResponseHead> head = co_await stream.response().take(scope);
    if (!head) {
      account = stream.fault().detail.empty() ? std::string(base::traits(head.error().cause).label)
                                              : stream.fault().detail;
      co_return base::fail(head.error());
    }
    if (head->interim()) continue;
    account = "status " + std::to_string(head->status);
    if (health.takes(head->status)) co_return base::Result<void>();
    co_return base::fail(Cause::upstream_bad_response, Stage::response_head);
  }
}

}  // namespace postern::upstream
