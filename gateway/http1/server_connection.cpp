#include "http1/server_connection.h"

#include "base/check.h"
#include "base/error.h"
#include "http/trailers.h"
#include "http1/websocket_key.h"
#include "http1/writer.h"

namespace postern::http1 {
namespace {

using base::Cause;

constexpr size_t early_max = 64 * 1024;
constexpr size_t closing_rate =
    240;  // bytes per second that a client must take on average while we wait for it

}  // namespace

ServerConnection::ServerConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                                   const http::ServerLimits& limits, const http::ClientFacts& facts,
                                   Owner& owner)
    : turn_(turn),
      transport_(std::move(transport)),
      limits_(limits),
      facts_(facts),
      owner_(owner),
      parser_(limits.message, *this) {
  turn_.arm(*this, limits_.request_head);
  transport_->start(*this);
}

ServerConnection::Stream::Stream() = default;

// --- bytes in ---

void ServerConnection::on_bytes(base::Bytes bytes) {
  if (refused_ || state_ == State::closing || state_ == State::gone) return;  // further bytes are ignored
  if (!early_.empty() || parser_.complete()) {
    early_.push_copy(bytes);
    if (early_.bytes() >= early_max) transport_->pause();
    return;
  }
  parse(bytes);
}

void ServerConnection::parse(base::Bytes bytes) {
  const bool fresh = parser_.in_head() && !parser_.begun();
  if (fresh) parser_.set_limits(limits_.message);
  const tl::expected<size_t, http::Fault> used = parser_.feed(bytes);
  if (!used) return refuse(used.error());
  if (fresh && state_ == State::between) turn_.arm(*this, limits_.request_head);
  if (*used < bytes.size()) early_.push_copy(bytes.subspan(*used));
}

void ServerConnection::open_stream() {
  stream_.emplace();
  stream_->request_body.set_producer(this);
  stream_->response_body.set_consumer(this);
  state_ = State::streaming;
  disarm();
}

void ServerConnection::on_request(http::RequestHead head) {
  open_stream();
  const bool last = ++requests_ >= limits_.requests && limits_.requests != 0;
  keep_alive_ = parser_.keep_alive() && !draining_ && !last;
  stream_->head = std::move(head);
  arrivals_.put(Arrival::request);
}

void ServerConnection::on_request_body(base::Bytes bytes) {
  stream_->request_body.push_copy(bytes);
  if (!stream_->request_body.has_room()) transport_->pause();
}

void ServerConnection::on_request_complete() {
  stream_->request_complete = true;
  stream_->request_body.end();
}

void ServerConnection::refuse(http::Fault fault) {
  fault_ = std::move(fault);
  refused_ = true;
  keep_alive_ = false;
  if (state_ == State::streaming) {  // in the middle of a body: the exchange is under way
    stream_->request_body.abort(base::Error{fault_.cause, base::Stage::request_body});
    owner_.on_client_gone(fault_.cause);
    return;
  }
  open_stream();
  stream_->request_complete = true;
  stream_->head = parser_.refused_head();
  stream_->request_body.end();
  arrivals_.put(Arrival::refused);
}

void ServerConnection::on_room() {
  if (transport_ && early_.bytes() < early_max) transport_->resume();
}

// --- the client leaves ---

// A client may half-close the connection and wait for its responses (RFC 9112 9.6). In the middle of a
// request, the end means that it has left.
void ServerConnection::on_end() {
  client_ended_ = true;
  take_end();
}

void ServerConnection::take_end() {
  switch (state_) {
    case State::between: parser_.begun() ? leave() : end_idle(); break;
    case State::streaming:
      if (stream_->request_complete)
        owner_.on_client_ended();
      else
        leave();
      break;
    case State::closing:
      if (std::exchange(lingers_, false)) transport_->tell_when_sent();
      break;
    case State::gone: break;
  }
}

// Called when reading is paused because too many bytes arrived early.
void ServerConnection::on_hang_up(bool reset) {
  if (reset) return leave();
  if (state_ == State::streaming && stream_->request_complete) owner_.on_client_ended();
}

void ServerConnection::on_closed(base::Error) { leave(); }

void ServerConnection::leave() {
  const State before = std::exchange(state_, State::gone);
  disarm();
  switch (before) {
    case State::between: arrivals_.put(Arrival::over); break;
    case State::streaming:
      stream_->request_body.abort(base::Error{Cause::client_closed, base::Stage::request_body});
      stream_->response_body.discard();
      tell_sent(base::fail(Cause::client_closed, base::Stage::response_body));
      owner_.on_client_gone(Cause::client_closed);
      break;
    case State::closing: closed_.put(true); break;
    case State::gone: break;
  }
}

// Closes an idle connection: no request is under way, and no other is expected.
void ServerConnection::end_idle() {
  disarm();
  state_ = State::closing;
  idle_ended_ = true;
  arrivals_.put(Arrival::over);
}

void ServerConnection::on_deadline() {
  switch (state_) {
    case State::between:
      if (parser_.begun()) return refuse({Cause::client_timed_out, "the request head did not come in time"});
      end_idle();
      break;
    case State::closing: {
      // A client that still receives some of its pending bytes is not cut off. This includes the bytes in the
      // kernel's send buffer: they are lost when bytes of the client reach a closed socket.
      const bool unsent = transport_->backlog() > 0;
      const base::Transit transit = transport_->transit();
      if (transit.acknowledged > closing_taken_) closing_progress_ = turn_.now;
      closing_taken_ = transit.acknowledged;
      if (closing_until_ == base::Instant())
        closing_until_ = turn_.now + limits_.idle + std::chrono::seconds(transit.outstanding / closing_rate);
      const bool takes_some = turn_.now - closing_progress_ < limits_.idle && turn_.now < closing_until_;
      if ((unsent || (lingers_ && transit.outstanding > 0)) && takes_some)
        return turn_.arm(*this, limits_.linger);
      if (unsent) transport_->abort();  // the client must see that the answer was cut
      end_closing();
      break;
    }
    case State::streaming:
    case State::gone: break;
  }
}

void ServerConnection::end_closing() {
  disarm();
  state_ = State::gone;
  closed_.put(true);
}

// --- bytes out ---

void ServerConnection::inform(const http::ResponseHead& interim) {
  if (state_ != State::streaming || stream_->head.version != http::Version::http1_1) return;
  transport_->write(write_interim(interim));
}

void ServerConnection::respond(const http::ResponseHead& head) {
  if (state_ != State::streaming) return;
  base::check(!stream_->responding, "a stream is answered once");
  stream_->responding = true;
  const bool hidden = stream_->head.method == http::Method::head || head.status == 204 || head.status == 304;
  // This response is the last one, unless bytes that came before the client's end contain another request.
  if (client_ended_ && early_.empty()) keep_alive_ = false;
  // Bytes that came early after an upgrade request may belong to the other protocol: they are not parsed as
  // requests.
  if (stream_->head.upgrade != http::Upgrade::none && !early_.empty()) keep_alive_ = false;
  const bool version_1_0 = stream_->head.version == http::Version::http1_0;
  ResponseFraming framing{head.body, head.content_length, {}};
  if (head.body == http::BodyKind::chunked || head.body == http::BodyKind::until_close)
    framing.body = version_1_0 ? http::BodyKind::until_close : http::BodyKind::chunked;
  if (framing.body == http::BodyKind::until_close && !hidden) keep_alive_ = false;
  if (!keep_alive_)
    framing.connection = "close";
  else if (version_1_0)
    framing.connection = "keep-alive";
  writer_.begin(framing.body, framing.content_length, hidden);
  transport_->write(write_response(head, framing));
}

void ServerConnection::set_trailers(const http::Headers& trailers) {
  for (const http::HeaderField& field : trailers) {
    if (!http::may_be_trailer(field)) continue;
    stream_->trailers.add(field.id, stream_->trailer_text.keep(field.name),
                          stream_->trailer_text.keep(field.value));
  }
}

std::unique_ptr<net::Transport> ServerConnection::accept_tunnel(const http::ResponseHead& head) {
  if (state_ != State::streaming || client_ended_) return nullptr;  // the end was reported already
  state_ = State::gone;
  transport_->pause();
  // A head of our own, or of an endpoint with another protocol, has no accept value.
  const http::HeaderField* key = stream_->head.headers.find(http::FieldId::sec_websocket_key);
  const bool needs_accept = key && !head.headers.find(http::FieldId::sec_websocket_accept);
  transport_->write(write_switching(head, needs_accept ? websocket_accept(key->value) : std::string()));
  while (!early_.empty()) transport_->unread(early_.pop());
  return std::move(transport_);
}

void ServerConnection::on_pushed() { turn_.flush_later(*this); }

void ServerConnection::on_drained() { turn_.flush_later(*this); }

void ServerConnection::on_sent() {
  if (state_ == State::streaming && stream_->response_complete) return tell_sent(true);
  if (state_ == State::closing && !lingers_) end_closing();
}

void ServerConnection::flush() { advance_response(); }

void ServerConnection::advance_response() {
  if (state_ != State::streaming || !stream_->responding || stream_->response_complete) return;
  switch (writer_.advance(stream_->response_body, *transport_, stream_->trailers)) {
    case BodyWriter::Progress::waiting: break;
    case BodyWriter::Progress::complete:
      stream_->response_complete = true;
      if (transport_->backlog() == 0)
        tell_sent(true);
      else
        transport_->tell_when_sent();
      break;
    case BodyWriter::Progress::broken:
      cut_response(stream_->response_body.aborted().value_or(
          base::Error{Cause::internal, base::Stage::response_body}));
      break;
  }
}

base::Slot<bool>& ServerConnection::hand_over() {
  stream_->request_body.discard();
  advance_response();
  if (state_ == State::gone) tell_sent(base::fail(Cause::client_closed, base::Stage::response_body));
  return stream_->sent;
}

void ServerConnection::tell_sent(base::Result<bool> sent) {
  if (!std::exchange(stream_->sent_told, true)) stream_->sent.put(sent);
}

base::Transit ServerConnection::transit() const {
  base::Transit transit = transport_->transit();
  if (stream_) transit.outstanding += stream_->response_body.bytes();
  return transit;
}

// The client must see that the response was cut: by its framing, or else by a reset. A client that does not
// read is reset too, so that it does not keep the kernel's buffers filled.
void ServerConnection::cut_response(base::Error why) {
  if (state_ != State::streaming) return;  // the client has left
  state_ = State::gone;
  const bool looks_whole = writer_.ends_with_connection() || stream_->response_complete;
  const bool takes_nothing = why.cause == Cause::client_timed_out || why.cause == Cause::client_too_slow;
  if (looks_whole || takes_nothing) transport_->abort();
  tell_sent(base::fail(why));
}

// --- between streams ---

bool ServerConnection::finish_stream() {
  advance_response();
  if (state_ == State::streaming && !stream_->response_complete)  // nothing will complete it
    cut_response(base::Error{Cause::internal, base::Stage::response_body});
  const bool another = state_ == State::streaming && stream_->sent_told && keep_alive_ &&
                       stream_->request_complete && !draining_ && !(client_ended_ && early_.empty());
  stream_.reset();
  if (!another) {
    if (state_ == State::streaming) state_ = State::closing;
    return false;
  }
  state_ = State::between;
  parser_.next();
  turn_.arm(*this, limits_.keepalive);
  transport_->resume();  // a body that was not read may have paused it
  if (!early_.empty()) read_early();
  return true;
}

void ServerConnection::read_early() {
  base::ChunkQueue early = std::move(early_);
  while (!early.empty()) {
    const base::Chunk chunk = early.pop();
    on_bytes(chunk.bytes());
  }
  if (early_.bytes() >= early_max) transport_->pause();
  if (client_ended_ && early_.empty()) take_end();
}

void ServerConnection::drain() {
  draining_ = true;
  keep_alive_ = false;
  if (state_ == State::between && !parser_.begun()) end_idle();
}

void ServerConnection::close() {
  if (state_ == State::gone) {
    closed_.put(true);
    return;
  }
  state_ = State::closing;
  early_.clear();
  // Closing a socket while bytes of the client are unread resets the connection, which loses the bytes that
  // the client has not received yet.
  lingers_ = !client_ended_ && !(idle_ended_ && transport_->transit().outstanding == 0);
  transport_->finish();
  transport_->resume();
  if (!lingers_) transport_->tell_when_sent();
  closing_progress_ = turn_.now;
  turn_.arm(*this, limits_.linger);
}

}  // namespace postern::http1
