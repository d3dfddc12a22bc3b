#include "demo/demo_connection.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "demo/answers.h"
#include "demo/ticker.h"
#include "http/date.h"
#include "http/websocket_handshake.h"
#include "net/loop.h"

namespace postern::demo {
namespace {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;

http::ClientFacts facts_of(const net::Transport& transport) {
  http::ClientFacts facts;
  facts.peer = transport.peer();
  facts.peer_text = facts.peer.ip.text();
  return facts;
}

bool is_read(http::Method method) { return method == http::Method::get || method == http::Method::head; }

http::LocalResponse method_problem(std::string_view allowed) {
  http::LocalResponse response = problem_answer(Cause::method_not_allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::optional<SocketSession::Kind> socket_kind(std::string_view path) {
  if (path == "/ws/echo" || path == "/ws/private") return SocketSession::Kind::echo;
  if (path == "/ws/ticker") return SocketSession::Kind::ticker;
  return std::nullopt;
}

// All answers that are sent at once, without a stream.
http::LocalResponse plain_answer(const http::RequestHead& request, const http::Target& target,
                                 const crypto::HmacKey& key) {
  const bool read = is_read(request.method);
  if (target.path == "/") return read ? page_answer() : method_problem("GET, HEAD");
  if (target.path == "/api/hello") return read ? hello_answer(request) : method_problem("GET, HEAD");
  if (target.path == "/api/private") return read ? private_answer(request) : method_problem("GET, HEAD");
  if (target.path == "/api/events") return method_problem("GET, HEAD");
  if (target.path == "/api/token") {
    if (request.method != http::Method::post) return method_problem("POST");
    const bool expired = http::query_parameter(target.query, "expired") == "1";
    return token_answer(key, net::unix_now(), expired ? TokenAge::expired : TokenAge::fresh);
  }
  if (socket_kind(target.path)) return problem_answer(Cause::upgrade_required);
  return problem_answer(404, "not_found", "The demo application has nothing at this path.");
}

void add_date(http::ResponseHead& head) {
  head.headers.add("Date", head.arena.keep(http::imf_fixdate(net::unix_now())));
}

}  // namespace

DemoConnection::DemoConnection(base::Turn& turn, const Options& options, const crypto::HmacKey& key,
                               std::unique_ptr<net::Transport> transport, Owner& owner)
    : turn_(turn),
      options_(options),
      key_(key),
      owner_(owner),
      facts_(facts_of(*transport)),
      scope_(turn),
      connection_(turn, std::move(transport), options.server, facts_, *this) {}

void DemoConnection::begin() { task_.begin(serve(), *this); }

void DemoConnection::on_client_gone(Cause why) {
  gone_ = why;
  if (request_scope_) request_scope_->cancel(why);
}

// For an event stream, a client that has gone cannot be told from one that only ended its direction, so it is
// treated as gone.
void DemoConnection::on_client_ended() {
  if (sends_events_) on_client_gone(Cause::client_closed);
}

void DemoConnection::leave() {
  leaving_ = true;
  connection_.drain();
  if (request_scope_) request_scope_->cancel(Cause::shutting_down);
}

void DemoConnection::on_task_ended(Served) { owner_.on_connection_over(*this); }

// --- the coroutine ---

Task<Served> DemoConnection::serve() {
  for (;;) {
    Result<Arrival> arrival = co_await connection_.arrivals().take(scope_);
    if (!arrival || *arrival == Arrival::over) break;
    request_scope_.emplace(scope_);
    if (gone_) request_scope_->cancel(*gone_);
    Task<Result<void>> answering = answer_request(*arrival);
    Result<void> answered = co_await answering;
    request_scope_.reset();
    if (!answered && answered.error().cause != Cause::client_closed)
      answer(problem_answer(answered.error().cause));
    Task<Result<bool>> finishing = finish_stream();
    Result<bool> another = co_await finishing;
    if (!another || !*another) break;
  }
  Task<Result<bool>> closing = close();
  co_await closing;
  co_return Served{};
}

// Fails only before an answer was started.
Task<Result<void>> DemoConnection::answer_request(Arrival arrival) {
  if (arrival == Arrival::refused) co_return base::fail(connection_.fault()->cause, Stage::request_head);
  Task<Result<void>> reading = read_body();
  Result<void> read = co_await reading;
  if (!read) co_return read;
  http::Target target;
  if (!http::read_target(connection_.request().target, target))
    co_return base::fail(Cause::bad_request, Stage::routing);
  Task<Result<void>> choosing = choose_answer(target);
  Result<void> chosen = co_await choosing;
  co_return chosen;
}

Task<Result<void>> DemoConnection::read_body() {
  const http::RequestHead& request = connection_.request();
  const base::Error too_large{Cause::body_too_large, Stage::request_body};
  if (request.body == http::BodyKind::length && request.content_length > options_.body_size)
    co_return base::fail(too_large);
  if (request.expects_continue) {
    http::ResponseHead interim;
    interim.status = 100;
    connection_.inform(interim);
  }
  base::Phase phase(*request_scope_, Stage::request_body, options_.body_limit, Cause::client_timed_out);
  size_t size = 0;
  for (;;) {
    Result<base::Chunk> chunk = co_await connection_.request_body().read(*request_scope_);
    if (!chunk) co_return base::fail(chunk.error());
    if (chunk->empty()) co_return Result<void>();
    size += chunk->size();
    if (size > options_.body_size) co_return base::fail(too_large);
  }
}

Task<Result<void>> DemoConnection::choose_answer(const http::Target& target) {
  const http::RequestHead& request = connection_.request();
  if (target.path == "/api/events" && is_read(request.method)) {
    Task<Result<void>> sending = send_events();
    Result<void> sent = co_await sending;
    co_return sent;
  }
  const std::optional<SocketSession::Kind> socket = socket_kind(target.path);
  if (socket && request.upgrade == http::Upgrade::websocket)
    open_socket(*socket);
  else
    answer(plain_answer(request, target, key_));
  co_return Result<void>();
}

// --- answers ---

void DemoConnection::answer(const http::LocalResponse& response) {
  http::ResponseHead head;
  head.status = response.status;
  head.body = http::BodyKind::length;
  head.content_length = response.body.size();
  for (const auto& [name, value] : response.headers) head.headers.add(name, value);
  add_date(head);
  connection_.respond(head);
  connection_.response_body().push(base::Chunk::copy_of(response.body));
  connection_.response_body().end();
}

Task<Result<void>> DemoConnection::send_events() {
  http::ResponseHead head;
  head.body = http::BodyKind::chunked;
  head.headers.add("Content-Type", "text/event-stream");
  head.headers.add("Cache-Control", "no-store");
  add_date(head);
  connection_.respond(head);
  base::Channel& body = connection_.response_body();
  base::Phase phase(*request_scope_, Stage::response_body, options_.stream_limit);
  sends_events_ = true;
  Ticker ticker(turn_, options_.tick);
  const bool wanted =
      connection_.request().method == http::Method::get && !leaving_ && !connection_.client_ended();
  for (uint64_t number = 1; wanted; ++number) {
    const std::string event =
        "id: " + std::to_string(number) + "\ndata: " + tick_text(number, net::unix_now());
    body.push(base::Chunk::copy_of(event + "\n\n"));
    Result<void> room = co_await body.room(*request_scope_);
    if (!room) break;
    Result<Ticker::Tick> tick = co_await ticker.ticks().take(*request_scope_);
    if (!tick) break;  // the client has left, or the stream limit is reached
  }
  sends_events_ = false;
  body.end();
  co_return Result<void>();
}

void DemoConnection::open_socket(SocketSession::Kind kind) {
  const http::RequestHead& request = connection_.request();
  const tl::expected<void, std::string_view> handshake = http::check_websocket_request(request);
  if (!handshake) return answer(problem_answer(400, "bad_handshake", handshake.error()));
  http::ResponseHead head;
  head.status = 101;
  std::unique_ptr<net::Transport> transport = connection_.accept_tunnel(head);
  if (transport) owner_.on_socket(std::move(transport), kind);  // else the client has left meanwhile
}

// --- between requests ---

Task<Result<bool>> DemoConnection::finish_stream() {
  base::Phase phase(scope_, Stage::response_body, options_.write_limit, Cause::client_timed_out);
  base::Slot<bool>& sent = connection_.hand_over();
  Result<bool> handed = co_await sent.take(scope_);
  if (!handed) connection_.cut_response(handed.error());  // the client does not take its answer
  co_return connection_.finish_stream();
}

Task<Result<bool>> DemoConnection::close() {
  connection_.close();  // bounded by http::ServerLimits::linger
  Result<bool> closed = co_await connection_.closed().take(scope_);
  co_return closed;
}

}  // namespace postern::demo
