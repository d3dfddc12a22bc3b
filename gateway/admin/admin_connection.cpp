#include "admin/admin_connection.h"

#include "admin/prometheus.h"
#include "admin/status.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "http/target.h"
#include "net/loop.h"
#include "proxy/failure_response.h"

namespace postern::admin {
namespace {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;

constexpr std::string_view index_text =
    "This is Postern's admin listener.\n"
    "\n"
    "/metrics  numbers, in Prometheus' text format\n"
    "/status   what goes on and what to look at, in JSON\n"
    "/healthz  200 while it serves, 503 while it starts or drains\n";

http::ClientFacts facts_of(const net::Transport& transport) {
  http::ClientFacts facts;
  facts.peer = transport.peer();
  facts.peer_text = facts.peer.ip.text();
  return facts;
}

http::LocalResponse text_answer(uint16_t status, std::string body, std::string_view type = "text/plain") {
  http::LocalResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", type);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

http::LocalResponse health_answer(Health health) {
  if (health == Health::serving) return text_answer(200, "ok\n");
  return text_answer(503, std::string(label(health)) + "\n");
}

// True for a name of this machine that an attacker cannot make resolve to it.
bool is_own_name(std::string_view authority_text) {
  const auto authority = http::read_authority(authority_text);
  if (!authority) return false;
  return authority->host.empty() || authority->host == "localhost" ||
         base::IpAddress::parse(authority->host).has_value();
}

}  // namespace

AdminConnection::AdminConnection(base::Turn& turn, const Options& options,
                                 std::unique_ptr<net::Transport> transport, Owner& owner)
    : turn_(turn),
      options_(options),
      owner_(owner),
      facts_(facts_of(*transport)),
      scope_(turn),
      since_(turn.now),
      connection_(turn, std::move(transport), options.server, facts_, *this) {}

void AdminConnection::begin() { task_.begin(serve(), *this); }

AdminConnection::Merit AdminConnection::merit() {
  const net::Transport::Transit seen = std::exchange(seen_, connection_.transit());
  const bool takes_some = seen.acknowledged != seen_.acknowledged || seen.outstanding != seen_.outstanding;
  const bool in_use = answering_ || seen_.outstanding > 0;
  if (waiting_ || (in_use && takes_some)) since_ = turn_.now;
  return {in_use, since_};
}

Task<Served> AdminConnection::serve() {
  for (;;) {
    Result<Arrival> arrival = co_await connection_.arrivals().take(scope_);
    if (!arrival || *arrival == Arrival::over) break;
    answering_ = true;
    since_ = turn_.now;
    Task<Result<http::LocalResponse>> choosing = choose_answer(*arrival);
    Result<http::LocalResponse> chosen = co_await choosing;
    if (chosen)
      answer(std::move(*chosen));
    else if (chosen.error().cause != Cause::client_closed)
      answer(proxy::failure_response(chosen.error(), {}));
    base::Phase phase(scope_, Stage::response_body, options_.write_limit, Cause::client_timed_out);
    base::Slot<bool>& sent = connection_.hand_over();
    Result<bool> handed = co_await sent.take(scope_);
    if (!handed) connection_.cut_response(handed.error());  // the client does not take its answer
    const bool another = connection_.finish_stream();
    answering_ = false;
    since_ = turn_.now;
    if (!another) break;
  }
  connection_.close();  // bounded by http::ServerLimits::linger
  Result<bool> closed = co_await connection_.closed().take(scope_);
  static_cast<void>(closed);  // in both cases the connection is over
  co_return Served{};
}

Task<Result<http::LocalResponse>> AdminConnection::choose_answer(Arrival arrival) {
  if (arrival == Arrival::refused) {
    const http::Fault& fault = *connection_.fault();
    co_return proxy::failure_response({fault.cause, Stage::request_head}, fault.detail);
  }
  const http::RequestHead& request = connection_.request();
  http::Target target;
  const bool read = static_cast<bool>(http::read_strict_target(request.target, target));
  if (!read || (!options_.any_host && !is_own_name(request.authority)))
    co_return proxy::failure_response({Cause::bad_request, Stage::routing},
                                      "the admin listener answers to an address or localhost as its Host");
  if (request.method != http::Method::get && request.method != http::Method::head) {
    http::LocalResponse response = http::refusal(Cause::method_not_allowed, "allowed: GET, HEAD");
    response.headers.emplace_back("Allow", "GET, HEAD");
    co_return response;
  }
  if (target.path == "/") co_return text_answer(200, std::string(index_text));
  if (target.path == "/healthz") co_return health_answer(owner_.health());
  if (target.path != "/metrics" && target.path != "/status")
    co_return proxy::failure_response({Cause::no_route, Stage::routing}, "GET / lists what there is");
  Task<Result<SharedTotals>> collecting = collect();
  Result<SharedTotals> totals = co_await collecting;
  if (!totals) co_return base::fail(totals.error());
  if (target.path == "/metrics") co_return text_answer(200, prometheus_text(**totals), prometheus_type);
  co_return text_answer(200, status_json(owner_.health(), **totals), "application/json");
}

Task<Result<SharedTotals>> AdminConnection::collect() {
  base::Phase phase(scope_, Stage::response_head, options_.collect_limit, Cause::overloaded);
  waiting_ = true;
  owner_.on_numbers_wanted();
  Result<SharedTotals> totals = co_await numbers_.take(scope_);
  waiting_ = false;
  co_return totals;
}

void AdminConnection::answer(const http::LocalResponse& response) {
  if (!connection_.request_body().closed()) connection_.close_after_response();
  http::ResponseHead head;
  const std::string body = proxy::render(response, {.now_unix = net::unix_now()}, head);
  connection_.respond(head);
  connection_.response_body().push(base::Chunk::copy_of(body));
  connection_.response_body().end();
}

}  // namespace postern::admin
