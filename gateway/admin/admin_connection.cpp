#include "admin/admin_connection.h"

#include "admin/prometheus.h"
#include "admin/status.h"
#include "base/ascii.h"
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
using http::LocalResponse;

constexpr std::string_view index_text =
    "This is Postern's admin listener.\n"
    "\n"
    "/metrics  numbers, in Prometheus' text format\n"
    "/status   what goes on and what to look at, in JSON\n"
    "/healthz  200 while it serves, 503 while it starts or drains\n"
    "/revocations  the tokens that are revoked, in JSON; POST /revoke adds to them\n";

http::ClientFacts facts_of(const net::Transport& transport) {
  http::ClientFacts facts;
  facts.peer = transport.peer();
  facts.peer_text = facts.peer.ip.text();
  return facts;
}

LocalResponse text_answer(uint16_t status, std::string body, std::string_view type = "text/plain") {
  LocalResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", type);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

LocalResponse health_answer(Health health) {
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

LocalResponse json_answer(uint16_t status, std::string body) {
  return text_answer(status, std::move(body), "application/json");
}

LocalResponse problem_answer(uint16_t status, std::string_view sentence) {
  base::Json answer;
  answer["error"] = sentence;
  return json_answer(status, base::write_json(answer) + "\n");
}

bool is_type(std::string_view field, std::string_view type) {
  return base::equal_ignoring_case(base::trim(field.substr(0, field.find(';'))), type);
}

// Why revocations are not looked at or taken; nullopt: they are. A page in a browser that reaches this
// machine sends an Origin with whatever it may send without asking.
std::optional<LocalResponse> refuse_revoking(const AdminConnection::Options& options,
                                             const http::RequestHead& request) {
  if (!options.revoke.table || options.any_host)
    return problem_answer(403, "an admin listener that is public neither shows nor takes revocations");
  if (request.headers.find(http::FieldId::origin))
    return problem_answer(403, "a page in a browser may not do this");
  return std::nullopt;
}

bool is_read(const http::RequestHead& request) {
  return request.method == http::Method::get || request.method == http::Method::head;
}

LocalResponse refuse_method(const std::string& allowed) {
  LocalResponse response = http::refusal(Cause::method_not_allowed, "allowed: " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
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
  if (target.path == "/revoke") {
    Task<Result<LocalResponse>> revoking = revoke();
    Result<LocalResponse> revoked = co_await revoking;
    co_return revoked;
  }
  if (!is_read(request)) co_return refuse_method("GET, HEAD");
  if (target.path == "/revocations") {
    if (std::optional<LocalResponse> refusal = refuse_revoking(options_, request))
      co_return std::move(*refusal);
    co_return json_answer(200, revocations_json(*options_.revoke.table, net::unix_now()));
  }
  if (target.path == "/") co_return text_answer(200, std::string(index_text));
  if (target.path == "/healthz") co_return health_answer(owner_.health());
  if (target.path != "/metrics" && target.path != "/status")
    co_return proxy::failure_response({Cause::no_route, Stage::routing}, "GET / lists what there is");
  Task<Result<SharedTotals>> collecting = collect();
  Result<SharedTotals> totals = co_await collecting;
  if (!totals) co_return base::fail(totals.error());
  if (target.path == "/metrics") co_return text_answer(200, prometheus_text(**totals), prometheus_type);
  co_return json_answer(200, status_json(owner_.health(), **totals));
}

Task<Result<LocalResponse>> AdminConnection::revoke() {
  const http::RequestHead& request = connection_.request();
  if (request.method != http::Method::post) co_return refuse_method("POST");
  if (std::optional<LocalResponse> refusal = refuse_revoking(options_, request))
    co_return std::move(*refusal);
  if (!options_.revoke.may_add)
    co_return problem_answer(403,
                             "tokens are not revoked here; write revocations: true in the configuration");
  const std::string_view type = request.headers.get(http::FieldId::content_type);
  const bool lines = is_type(type, "application/x-ndjson");
  if (!lines && !is_type(type, "application/json"))
    co_return problem_answer(415, "the body is application/json, or application/x-ndjson with many lines");
  if (request.expects_continue) {
    http::ResponseHead interim;
    interim.status = 100;
    connection_.inform(interim);
  }
  const RevokeSettings settings = options_.revoke;  // a reload may change the options meanwhile
  RevokeReader reader(settings, lines ? RevokeReader::Form::lines : RevokeReader::Form::whole,
                      net::unix_now());
  base::Phase phase(scope_, Stage::request_body, options_.read_limit, Cause::client_timed_out);
  for (;;) {
    Result<base::Chunk> chunk = co_await connection_.request_body().read(scope_);
    if (!chunk) {
      owner_.on_revoked(reader);  // what has come is in effect
      co_return base::fail(chunk.error());
    }
    since_ = turn_.now;
    phase.extend(options_.read_limit);
    if (chunk->empty()) reader.finish();
    if (chunk->empty() || !reader.feed(chunk->text())) break;
  }
  owner_.on_revoked(reader);
  base::Json answer = {
      {"revoked", reader.added()}, {"known", reader.known()}, {"entries", settings.table->size()}};
  if (!reader.problem().empty()) answer["error"] = reader.problem();
  const bool full = reader.outcome() == RevokeReader::Outcome::full;
  const uint16_t status = reader.problem().empty() ? 200 : full ? 503 : 400;
  co_return json_answer(status, base::write_json(answer) + "\n");
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
