#include "support/multiplexed_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "http/trailers.h"
#include "support/stream_transport.h"

namespace postern::support {

using base::Cause;
using base::Stage;

namespace {

std::string reset_text(Cause cause, bool begun) {
  return {static_cast<char>(cause), static_cast<char>(begun ? 1 : 0)};
}

}  // namespace

// --- bodies ---

void BodySender::begin(http::BodyKind body, uint64_t length, bool hidden) {
  body_ = body;
  remaining_ = length;
  hidden_ = hidden;
}

bool BodySender::fits(size_t size) {
  if (hidden_) return true;
  if (body_ == http::BodyKind::none) return size == 0;
  if (body_ != http::BodyKind::length) return true;
  if (size > remaining_) return false;
  remaining_ -= size;
  return true;
}

BodySender::Progress BodySender::advance(base::Channel& channel, Line& line) {
  for (;;) {
    if (pending_.empty()) {
      if (!channel.has_bytes()) break;
      base::Chunk chunk = channel.take();
      if (!fits(chunk.size())) return Progress::broken;
      if (hidden_) continue;
      pending_ = std::move(chunk);
    }
    const size_t count = std::min(line.room(), pending_.size());
    if (count == 0) return channel.aborted() ? Progress::broken : Progress::waiting;
    line.send_data(pending_.bytes().first(count));
    pending_.drop_front(count);
  }
  if (channel.aborted()) return Progress::broken;
  if (!channel.at_end()) return Progress::waiting;
  if (!hidden_ && body_ == http::BodyKind::length && remaining_ > 0) return Progress::broken;
  return Progress::complete;
}

void BodyReceiver::on_data(std::string_view bytes, base::Channel& channel, Line& line) {
  channel.push_copy(base::bytes_of(bytes));
  if (channel.has_room())
    line.credit(bytes.size());
  else
    owed_ += bytes.size();
}

// --- the client's side ---

MultiplexedServerStream::MultiplexedServerStream(std::shared_ptr<MultiplexedConnection> connection,
                                                 const Frame& head, const http::ClientFacts& facts,
                                                 Owner& owner)
    : turn_(connection->turns().turn), facts_(facts), owner_(owner) {
  Line::User& self = *this;
  line_ = std::make_unique<Line>(std::move(connection), head.stream, self);
  request_body_.set_producer(this);
  response_body_.set_consumer(this);
  std::string_view payload = head.payload;
  if (head.type == FrameType::refused) {
    fault_ = read_fault(payload);
    refused_ = true;
  }
  head_ = read_request_head(payload);
  // A request for an upgrade has no body: what follows it belongs to the tunnel.
  request_complete_ = refused_ || head_.upgrade == http::Upgrade::websocket;
  if (request_complete_) request_body_.end();
}

MultiplexedServerStream::~MultiplexedServerStream() {
  if (!line_ || gone_ || (request_complete_ && response_complete_)) return;
  if (response_complete_)
    line_->send(FrameType::leave);
  else
    line_->send(FrameType::reset, reset_text(Cause::internal, responding_));
}

void MultiplexedServerStream::on_frame(const Frame& frame) {
  std::string_view payload = frame.payload;
  switch (frame.type) {
    case FrameType::data:
      if (head_.upgrade == http::Upgrade::websocket)
        early_.push_copy(base::bytes_of(payload));
      else
        receiver_.on_data(payload, request_body_, *line_);
      break;
    case FrameType::end:
      if (head_.upgrade == http::Upgrade::websocket) return leave();  // it wants no tunnel any more
      request_complete_ = true;
      request_body_.end();
      if (client_ended_) owner_.on_client_ended(*this);
      break;
    case FrameType::ended:
      client_ended_ = true;
      if (request_complete_) owner_.on_client_ended(*this);
      break;
    case FrameType::fault:
      fault_ = read_fault(payload);
      request_body_.abort(base::Error{fault_->cause, Stage::request_body});
      owner_.on_client_gone(*this, fault_->cause);
      break;
    case FrameType::reset: leave(); break;
    default: break;
  }
}

void MultiplexedServerStream::on_half_closed() {
  client_ended_ = true;
  if (!request_complete_) return leave();
  owner_.on_client_ended(*this);
}

void MultiplexedServerStream::leave() {
  if (std::exchange(gone_, true)) return;
  request_body_.abort(base::Error{Cause::client_closed, Stage::request_body});
  response_body_.discard();
  tell_sent(base::fail(Cause::client_closed, Stage::response_body));
  owner_.on_client_gone(*this, Cause::client_closed);
}

void MultiplexedServerStream::on_room() {
  if (line_) receiver_.on_room(*line_);
}

base::Transit MultiplexedServerStream::transit() const {
  if (!line_) return {};  // a tunnel has taken it
  return {line_->taken(), line_->outstanding() + sender_.pending() + response_body_.bytes()};
}

void MultiplexedServerStream::inform(const http::ResponseHead& interim) {
  if (!gone_) line_->send(FrameType::interim, write_head(interim));
}

void MultiplexedServerStream::respond(const http::ResponseHead& head) {
  if (gone_) return;
  base::check(!responding_, "a stream is answered once");
  responding_ = true;
  const bool hidden = head_.method == http::Method::head || head.status == 204 || head.status == 304;
  sender_.begin(head.body, head.content_length, hidden);
  line_->send(FrameType::head, write_head(head));
}

void MultiplexedServerStream::set_trailers(const http::Headers& trailers) {
  http::Headers allowed;
  for (const http::HeaderField& field : trailers)
    if (http::may_be_trailer(field)) allowed.add(field.id, field.name, field.value);
  trailers_ = write_fields(allowed);
}

base::Slot<bool>& MultiplexedServerStream::hand_over() {
  request_body_.discard();
  advance();
  if (gone_) tell_sent(base::fail(Cause::client_closed, Stage::response_body));
  return sent_;
}

void MultiplexedServerStream::advance() {
  if (!line_ || gone_ || !responding_ || response_complete_) return;
  switch (sender_.advance(response_body_, *line_)) {
    case BodySender::Progress::waiting: break;
    case BodySender::Progress::complete:
      response_complete_ = true;
      if (!trailers_.empty()) line_->send(FrameType::trailers, trailers_);
      line_->send(FrameType::end);
      line_->connection().tell_when_sent();
      break;
    case BodySender::Progress::broken:
      cut_response(response_body_.aborted().value_or(base::Error{Cause::internal, Stage::response_body}));
      break;
  }
}

void MultiplexedServerStream::on_all_sent() {
  if (response_complete_) tell_sent(true);
}

void MultiplexedServerStream::tell_sent(base::Result<bool> sent) {
  if (!std::exchange(sent_told_, true)) sent_.put(std::move(sent));
}

void MultiplexedServerStream::cut_response(base::Error why) {
  if (!gone_) reset(why.cause, true);
  tell_sent(base::fail(why));
}

void MultiplexedServerStream::reset(Cause why, bool begun) {
  if (std::exchange(gone_, true)) return;
  if (response_fault_)
    line_->send(FrameType::fault, write_fault(*response_fault_));
  else
    line_->send(FrameType::reset, reset_text(why, begun));
}

void MultiplexedServerStream::cut_with(http::Fault fault) {
  response_fault_ = std::move(fault);
  if (responding_) return response_body_.abort(base::Error{response_fault_->cause, Stage::response_body});
  reset(response_fault_->cause, true);
}

void MultiplexedServerStream::send_deviation(const http::SeenDeviation& deviation) {
  if (!gone_) line_->send(FrameType::deviation, static_cast<char>(deviation.kind) + deviation.bytes);
}

std::unique_ptr<net::Transport> MultiplexedServerStream::accept_tunnel(const http::ResponseHead& head) {
  if (gone_ || client_ended_) return nullptr;
  http::ResponseHead opening;
  opening.opens_tunnel = true;
  opening.upgrade_problem = head.upgrade_problem;
  for (const http::HeaderField& field : head.headers) opening.headers.add(field.id, field.name, field.value);
  line_->send(FrameType::head, write_head(opening));
  gone_ = true;
  return std::make_unique<StreamTransport>(std::move(line_), std::move(early_));
}

// --- the endpoint's side ---

MultiplexedUpstreamStream::MultiplexedUpstreamStream(std::shared_ptr<MultiplexedConnection> connection,
                                                     uint32_t number, bool reused)
    : turn_(connection->turns().turn), peer_(connection->peer()), reused_(reused) {
  Line::User& self = *this;
  line_ = std::make_unique<Line>(std::move(connection), number, self);
  request_body_.set_consumer(this);
  response_body_.set_producer(this);
}

MultiplexedUpstreamStream::~MultiplexedUpstreamStream() {
  if (line_ && state_ != State::broken && (state_ != State::complete || sending_ != Sending::complete))
    line_->send(FrameType::reset, reset_text(Cause::client_closed, false));
}

void MultiplexedUpstreamStream::send(const http::RequestHead& head) {
  if (state_ != State::awaiting_head) return;
  upgrades_ = head.upgrade == http::Upgrade::websocket;
  sending_ = Sending::body;
  sender_.begin(head.body, head.content_length, false);
  line_->send(FrameType::head, write_head(head));
  advance();
}

void MultiplexedUpstreamStream::send_refused(const http::RequestHead& head, const http::Fault& fault) {
  sending_ = Sending::complete;
  line_->send(FrameType::refused, write_fault(fault) + write_head(head));
}

void MultiplexedUpstreamStream::send_fault(const http::Fault& fault) {
  if (sending_ != Sending::body || state_ == State::broken) return;
  sending_ = Sending::complete;
  line_->send(FrameType::fault, write_fault(fault));
}

void MultiplexedUpstreamStream::advance() {
  if (!line_ || sending_ != Sending::body || state_ == State::broken) return;
  switch (sender_.advance(request_body_, *line_)) {
    case BodySender::Progress::waiting: break;
    case BodySender::Progress::complete:
      sending_ = Sending::complete;
      if (!upgrades_) line_->send(FrameType::end);
      break;
    case BodySender::Progress::broken:
      line_->send(FrameType::reset, reset_text(Cause::client_closed, false));
      fail(request_body_.aborted().value_or(base::Error{Cause::bad_request, Stage::request_body}));
      break;
  }
}

base::Transit MultiplexedUpstreamStream::transit() const {
  const size_t waiting = sender_.pending() + request_body_.bytes();
  return line_ ? base::Transit{line_->taken(), line_->outstanding() + waiting} : base::Transit{0, waiting};
}

void MultiplexedUpstreamStream::on_frame(const Frame& frame) {
  if (state_ == State::broken) return;
  if (state_ == State::switched && frame.type != FrameType::data) return early_frames_.push_back(frame);
  std::string_view payload = frame.payload;
  switch (frame.type) {
    case FrameType::interim:
    case FrameType::head: on_head(read_response_head(payload)); break;
    case FrameType::data:
      if (state_ == State::switched)
        early_.push_copy(base::bytes_of(payload));
      else
        receiver_.on_data(payload, response_body_, *line_);
      break;
    case FrameType::trailers: read_fields(payload, trailers_, trailer_text_); break;
    case FrameType::end:
      state_ = State::complete;
      response_body_.end();
      break;
    case FrameType::reset:
      if (!payload.empty()) response_begun_ = response_begun_ || payload[1] != 0;
      fail_upstream(payload.empty() ? Cause::upstream_closed : static_cast<Cause>(payload[0]));
      break;
    case FrameType::fault:
      response_begun_ = true;
      fault_ = read_fault(payload);
      fail_upstream(fault_.cause);
      break;
    case FrameType::deviation:
      deviations_.push_back({static_cast<telemetry::Deviation>(payload[0]), std::string(payload.substr(1))});
      break;
    case FrameType::leave: request_body_.discard(); break;
    default: break;
  }
}

void MultiplexedUpstreamStream::on_head(http::ResponseHead head) {
  response_begun_ = true;
  if (head.opens_tunnel)
    state_ = State::switched;
  else if (!head.interim())
    state_ = State::receiving;
  response_.put(std::move(head));
}

void MultiplexedUpstreamStream::on_room() {
  if (line_) receiver_.on_room(*line_);
}

void MultiplexedUpstreamStream::on_lost() {
  if (state_ != State::broken) fail_upstream(Cause::upstream_closed);
}

void MultiplexedUpstreamStream::fail_upstream(Cause cause) {
  if (state_ == State::complete) return;
  fail({cause, state_ == State::awaiting_head ? Stage::response_head : Stage::response_body});
}

void MultiplexedUpstreamStream::fail(base::Error error) {
  const State before = std::exchange(state_, State::broken);
  if (before == State::awaiting_head)
    response_.put(base::fail(error));
  else
    response_body_.abort(error);
  request_body_.discard();
}

std::unique_ptr<net::Transport> MultiplexedUpstreamStream::take_tunnel() {
  if (state_ != State::switched) return nullptr;
  auto transport = std::make_unique<StreamTransport>(std::move(line_), std::move(early_));
  for (const Frame& frame : early_frames_) transport->on_frame(frame);
  return transport;
}

// --- the connection ---

MultiplexedUpstream::MultiplexedUpstream(TurnFixture& turns, std::unique_ptr<net::Transport> transport,
                                         size_t streams_max)
    : turns_(turns),
      connection_(std::make_shared<MultiplexedConnection>(turns, std::move(transport))),
      peer_(connection_->peer()),
      streams_max_(streams_max) {
  MultiplexedConnection::Owner& self = *this;
  connection_->start(self);
}

MultiplexedUpstream::~MultiplexedUpstream() { connection_->set_owner(nullptr); }

MultiplexedUpstreamStream& MultiplexedUpstream::open_stream() {
  const uint32_t number = next_number_++;
  streams_.push_back(std::make_unique<MultiplexedUpstreamStream>(connection_, number, number > 1));
  return *streams_.back();
}

void MultiplexedUpstream::close_stream(http::UpstreamStream& stream) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const auto& one) { return one.get() == &stream; });
  base::check(found != streams_.end(), "a stream of this connection");
  turns_.turn.graveyard.bury(std::move(*found));
  streams_.erase(found);
}

// The other end waits for this one, so that nothing is lost on the way to it.
void MultiplexedUpstream::on_half_closed() {
  connection_->finish();
  close();
}

void MultiplexedUpstream::close() {
  closed_ = true;
  tell_room_changed();
  if (on_closing) on_closing();
}

}  // namespace postern::support
