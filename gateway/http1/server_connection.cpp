#include "http1/server_connection.h"

#include "base/check.h"
#include "http/trailers.h"
#include "http1/writer.h"

namespace postern::http1 {
namespace {

using base::Cause;

constexpr size_t early_max = 64 * 1024;

}  // namespace

ServerConnection::ServerConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                                   const ServerLimits& limits, const http::ClientFacts& facts, Owner& owner)
    : turn_(turn),
      transport_(std::move(transport)),
      limits_(limits),
      facts_(facts),
      owner_(owner),
      parser_(limits.parser, *this) {
  turn_.arm(*this, limits_.request_head);
  transport_->start(*this);
}

ServerConnection::Stream::Stream() = default;

// --- bytes in ---

void ServerConnection::on_bytes(base::Bytes bytes) {
  if (refused_ || state_ == State::closing || state_ == State::gone) return;  // nothing more is wanted
  if (!early_.empty() || parser_.complete()) {
    early_.push_copy(bytes);
    if (early_.bytes() >= early_max) transport_->pause();
    return;
  }
  parse(bytes);
}

void ServerConnection::parse(base::Bytes bytes) {
  const bool fresh = parser_.in_head() && !parser_.begun();
  if (fresh) parser_.set_limits(limits_.parser);
  const tl::expected<size_t, Fault> used = parser_.feed(bytes);
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

void ServerConnection::refuse(Fault fault) {
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

void ServerConnection::on_end() { leave(); }

void ServerConnection::on_closed(base::Error) { leave(); }

void ServerConnection::leave() {
  const State before = std::exchange(state_, State::gone);
  disarm();
  switch (before) {
    case State::between: arrivals_.put(Arrival::over); break;
    case State::streaming:
      stream_->request_body.abort(base::Error{Cause::client_closed, base::Stage::request_body});
      stream_->response_body.discard();
      owner_.on_client_gone(Cause::client_closed);
      end_stream_if_done();
      break;
    case State::closing: closed_.put(true); break;
    case State::gone: break;
  }
}

void ServerConnection::on_deadline() {
  switch (state_) {
    case State::between:
      if (parser_.begun()) return refuse({Cause::client_timed_out, "the request head did not come in time"});
      state_ = State::gone;
      arrivals_.put(Arrival::over);
      break;
    case State::closing: {
      // What the client has yet to take is not cut off while it takes some of it.
      const size_t backlog = transport_->backlog();
      if (backlog < closing_backlog_) closing_progress_ = turn_.now;
      closing_backlog_ = backlog;
      if (backlog > 0 && turn_.now - closing_progress_ < limits_.idle)
        return turn_.arm(*this, limits_.linger);
      if (backlog > 0) transport_->abort();  // a cut answer must look cut
      state_ = State::gone;
      closed_.put(true);
      break;
    }
    case State::streaming:
    case State::gone: break;
  }
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
  // What came early after an upgrade request may be meant for the other protocol: not read as requests.
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
  if (state_ != State::streaming) return nullptr;
  state_ = State::gone;
  transport_->pause();
  transport_->write(write_switching(head));
  while (!early_.empty()) transport_->unread(early_.pop());
  return std::move(transport_);
}

void ServerConnection::on_pushed() { turn_.flush_later(*this); }

void ServerConnection::on_drained() { turn_.flush_later(*this); }

void ServerConnection::flush() {
  advance_response();
  end_stream_if_done();
}

void ServerConnection::advance_response() {
  if (state_ != State::streaming || !stream_->responding || stream_->response_complete) return;
  switch (writer_.advance(stream_->response_body, *transport_, stream_->trailers)) {
    case BodyWriter::Progress::waiting: break;
    case BodyWriter::Progress::complete: stream_->response_complete = true; break;
    case BodyWriter::Progress::broken: cut_response(); break;
  }
}

// A cut response must look cut: its framing shows it, or else a reset does.
void ServerConnection::cut_response() {
  state_ = State::gone;
  if (writer_.ends_with_connection()) transport_->abort();
}

// --- between streams ---

void ServerConnection::finish_stream() {
  stream_->exchange_ended = true;
  advance_response();
  if (state_ == State::streaming && !stream_->response_complete && !stream_->response_body.readable())
    cut_response();  // nobody will complete it
  end_stream_if_done();
}

void ServerConnection::end_stream_if_done() {
  if (!stream_ || !stream_->exchange_ended) return;
  if (state_ == State::gone) {
    stream_.reset();
    finished_.put(false);
    return;
  }
  if (!stream_->response_complete) return;
  const bool another = keep_alive_ && stream_->request_complete && !draining_;
  stream_.reset();
  state_ = another ? State::between : State::closing;
  finished_.put(another);
  if (!another) return;
  parser_.next();
  turn_.arm(*this, limits_.keepalive);
  transport_->resume();  // a body that nobody read may have paused it
  if (early_.empty()) return;
  base::ChunkQueue early = std::move(early_);
  while (!early.empty()) {
    const base::Chunk chunk = early.pop();
    on_bytes(chunk.bytes());
  }
  if (early_.bytes() >= early_max) transport_->pause();
}

void ServerConnection::drain() {
  draining_ = true;
  keep_alive_ = false;
  if (state_ != State::between || parser_.begun()) return;
  state_ = State::gone;
  disarm();
  arrivals_.put(Arrival::over);
}

void ServerConnection::close() {
  if (state_ == State::gone) {
    closed_.put(true);
    return;
  }
  state_ = State::closing;
  early_.clear();
  transport_->finish();
  transport_->resume();
  closing_backlog_ = transport_->backlog();
  closing_progress_ = turn_.now;
  turn_.arm(*this, limits_.linger);
}

}  // namespace postern::http1
