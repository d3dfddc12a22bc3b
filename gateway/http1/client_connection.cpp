#include "http1/client_connection.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "http1/websocket_key.h"
#include "http1/writer.h"

namespace postern::http1 {
namespace {

using base::Cause;
using base::Stage;

constexpr uint16_t interim_max = 32;

// Reads "timeout=5, max=100" in Keep-Alive (RFC 2068 19.7.1.1); the timeout is in seconds.
std::optional<base::Duration> idle_limit_of(const http::Headers& headers) {
  const http::HeaderField* field = headers.find(http::FieldId::keep_alive);
  if (!field) return std::nullopt;
  constexpr uint64_t longest = 24 * 60 * 60;
  std::string_view rest = field->value;
  while (const std::optional<std::string_view> parameter = base::next_element(rest)) {
    const size_t equals = parameter->find('=');
    if (equals == parameter->npos ||
        !base::equal_ignoring_case(base::trim(parameter->substr(0, equals)), "timeout"))
      continue;
    const auto seconds = base::parse_decimal(base::trim(parameter->substr(equals + 1)));
    if (seconds) return std::chrono::seconds(std::min(*seconds, longest));
  }
  return std::nullopt;
}

}  // namespace

ClientConnection::ClientConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                                   const http::MessageLimits& limits)
    : turn_(turn), transport_(std::move(transport)), peer_(transport_->peer()), parser_(limits, *this) {
  transport_->start(*this);
}

void ClientConnection::begin_stream() {
  owner_ = nullptr;
  if (streams_ > 0) parser_.next();
  ++streams_;
  stream_.emplace();
  stream_->request_body.set_consumer(this);
  stream_->response_body.set_producer(this);
  state_ = State::awaiting_head;
  sending_ = Sending::nothing;
  response_begun_ = false;
  interim_count_ = 0;
  last_status_ = 0;
}

bool ClientConnection::reusable() {
  return state_ == State::complete && sending_ == Sending::complete && parser_.keep_alive() &&
         stream_->response_body.at_end() && !parser_.deviations().any();
}

void ClientConnection::park(Owner& owner) {
  state_ = State::idle;
  stream_.reset();
  owner_ = &owner;
  transport_->resume();  // the last body may have paused it, and the end of the connection must be noticed
}

void ClientConnection::send(const http::RequestHead& head) {
  if (state_ != State::awaiting_head) return;
  parser_.expect(head.method);
  writer_.begin(head.body, head.content_length, false);
  sending_ = Sending::body;
  if (head.upgrade != http::Upgrade::websocket) {
    transport_->write(write_request(head));
  } else {
    const http::HeaderField* given = head.headers.find(http::FieldId::sec_websocket_key);
    const std::string made = given ? std::string() : new_websocket_key();
    accept_ = websocket_accept(given ? given->value : made);
    transport_->write(write_request(head, made));
  }
  flush();
}

base::Transit ClientConnection::transit() const {
  base::Transit transit = transport_->transit();
  transit.outstanding += stream_->request_body.bytes();
  return transit;
}

void ClientConnection::on_pushed() { turn_.flush_later(*this); }

void ClientConnection::on_drained() { turn_.flush_later(*this); }

void ClientConnection::flush() {
  if (sending_ != Sending::body || !stream_ || !transport_ || state_ == State::broken) return;
  switch (writer_.advance(stream_->request_body, *transport_, no_trailers_)) {
    case BodyWriter::Progress::waiting: break;
    case BodyWriter::Progress::complete: sending_ = Sending::complete; break;
    case BodyWriter::Progress::broken:
      // The client cut its body short: the endpoint must not take the body for complete.
      fail(stream_->request_body.aborted().value_or(base::Error{Cause::bad_request, Stage::request_body}));
      break;
  }
}

void ClientConnection::on_bytes(base::Bytes bytes) {
  if (state_ == State::broken) return;
  if (state_ == State::idle || state_ == State::complete) {  // no request is open
    state_ = State::broken;
    if (owner_) owner_->on_idle_closed(*this);
    return;
  }
  response_begun_ = true;
  while (!bytes.empty() && (state_ == State::awaiting_head || state_ == State::receiving)) {
    const tl::expected<size_t, http::Fault> used = parser_.feed(bytes);
    if (!used) {
      fault_ = used.error();
      return fail_upstream(fault_.cause == Cause::head_too_large ? Cause::upstream_head_too_large
                                                                 : Cause::upstream_bad_response);
    }
    bytes = bytes.subspan(*used);
    if (state_ == State::awaiting_head && parser_.complete()) parser_.next();  // that was an interim response
  }
  if (bytes.empty()) return;
  if (state_ == State::switched) {
    early_.push_copy(bytes);
  } else if (state_ == State::complete) {
    sending_ = Sending::nothing;  // bytes beyond the response: the connection is not reused
  }
}

void ClientConnection::on_response(http::ResponseHead head) {
  last_status_ = head.status;
  if (head.status == 101) {
    head.opens_tunnel = true;
    head.upgrade_problem = websocket_answer_problem(head, accept_);
    state_ = State::switched;
    transport_->pause();  // all that follows belongs to the tunnel, also the end
  } else if (!head.interim()) {
    state_ = State::receiving;
    idle_limit_ = idle_limit_of(head.headers);
  } else if (++interim_count_ > interim_max) {
    fault_.detail = "more interim responses than the limit";
    return fail_upstream(Cause::upstream_bad_response);
  }
  stream_->response.put(std::move(head));
}

void ClientConnection::on_response_body(base::Bytes bytes) {
  stream_->response_body.push_copy(bytes);
  if (!stream_->response_body.has_room()) transport_->pause();
}

void ClientConnection::on_response_complete() {
  if (state_ != State::receiving) return;
  state_ = State::complete;
  stream_->response_body.end();
}

void ClientConnection::on_room() {
  if (transport_) transport_->resume();
}

void ClientConnection::on_end() {
  if (state_ == State::receiving && parser_.at_end()) return;  // the body ends with its connection
  on_closed({base::Cause::internal, base::Stage::accept});
}

void ClientConnection::on_closed(base::Error why) {
  if (state_ == State::idle) {
    state_ = State::broken;
    if (owner_) owner_->on_idle_closed(*this);
    return;
  }
  if (state_ == State::complete) {
    sending_ = Sending::nothing;
    return;
  }
  std::optional<http::Fault> wrong =
      state_ == State::awaiting_head ? parser_.nothing_of_http() : std::nullopt;
  if (why.cause == Cause::upstream_tls_failed) {
    wrong.emplace();
    wrong->cause = why.cause;
    wrong->detail = transport_->failure();
  }
  if (wrong) fault_ = *wrong;
  fail_upstream(wrong ? wrong->cause : Cause::upstream_closed);
}

void ClientConnection::fail_upstream(Cause cause) {
  fail({cause, state_ == State::awaiting_head ? Stage::response_head : Stage::response_body});
}

void ClientConnection::fail(base::Error error) {
  const State before = std::exchange(state_, State::broken);
  if (!stream_) return;
  if (before == State::awaiting_head)
    stream_->response.put(base::fail(error));
  else
    stream_->response_body.abort(error);
  stream_->request_body.discard();
}

std::unique_ptr<net::Transport> ClientConnection::take_tunnel() {
  if (state_ != State::switched) return nullptr;
  while (!early_.empty()) transport_->unread(early_.pop());
  return std::move(transport_);
}

}  // namespace postern::http1
