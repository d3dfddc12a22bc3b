#include "support/http1_relay.h"

#include <algorithm>

#include "base/error.h"

namespace postern::support {

using base::Cause;
using base::Result;
using base::Task;

namespace {

// What a gateway accepts of an endpoint by default.
http::MessageLimits response_limits() {
  http::MessageLimits limits;
  limits.head_size = 64 * 1024;
  limits.fields = 256;
  limits.trailer_size = 16 * 1024;
  return limits;
}

uint64_t taken_of(uint64_t moved, const base::Transit& transit) {
  return moved - std::min<uint64_t>(moved, transit.outstanding);
}

}  // namespace

// --- bodies ---

BodyCopy::BodyCopy(base::Channel& from, base::Channel& to, std::function<void()> on_over)
    : from_(from), to_(to), on_over_(std::move(on_over)) {
  from_.set_consumer(this);
  to_.set_producer(this);
  copy();
}

BodyCopy::~BodyCopy() {
  from_.set_consumer(nullptr);
  to_.set_producer(nullptr);
}

void BodyCopy::copy() {
  while (from_.has_bytes() && to_.has_room()) {
    base::Chunk chunk = from_.take();
    moved_ += chunk.size();
    to_.push(std::move(chunk));
  }
  if (from_.has_bytes() || !from_.closed() || !on_over_) return;
  std::exchange(on_over_, nullptr)();
}

// --- tunnels ---

TunnelRelay::TunnelRelay(TurnFixture& turns, std::unique_ptr<StreamTransport> stream,
                         std::unique_ptr<net::Transport> socket)
    : stream_(std::move(stream)), socket_(std::move(socket)) {
  stream_end_.relay = socket_end_.relay = this;
  stream_end_.other = &socket_end_;
  socket_end_.other = &stream_end_;
  stream_end_.transport = stream_.get();
  socket_end_.transport = socket_.get();
  stream_->on_left = [this] { peer_left_ = true; };
  stream_->start(stream_end_);
  socket_->start(socket_end_);
  socket_->resume();
  turns.add(*this);
}

void TunnelRelay::on_bytes(End& from, base::Bytes bytes) {
  if (over_) return;
  if (&from == &stream_end_) moved_ += bytes.size();
  from.other->transport->write(bytes);
  if (from.other->transport->backlog() > net::Transport::high_water) from.transport->pause();
}

void TunnelRelay::End::on_end() {
  ended = true;
  if (!relay->over_) other->transport->finish();
}

void TunnelRelay::End::on_closed(base::Error) {
  if (relay->over_) return;
  other->transport->abort();
  relay->end();
}

bool TunnelRelay::fill() {
  if (over_) return false;
  const uint64_t taken = taken_of(moved_, socket_->transit());
  const bool granted = stream_->line().release(taken);
  const bool sent = socket_->backlog() == 0 && stream_->backlog() == 0;
  if (!sent || !stream_end_.ended || (!socket_end_.ended && !peer_left_)) return granted;
  end();
  return true;
}

void TunnelRelay::end() {
  over_ = true;
  over_slot_.put(true);
}

// --- towards a client ---

ClientRelay::ClientRelay(TurnFixture& turns, std::unique_ptr<net::Transport> client,
                         std::unique_ptr<net::Transport> gateway, http::ClientFacts facts,
                         const http::ServerLimits& limits)
    : turns_(turns),
      facts_(std::move(facts)),
      limits_(limits),
      client_(std::make_unique<http1::ServerConnection>(turns.turn, std::move(client), limits_, facts_,
                                                        static_cast<http1::ServerConnection::Owner&>(*this))),
      gateway_(std::make_unique<MultiplexedUpstream>(turns, std::move(gateway))),
      scope_(turns.turn) {
  gateway_->on_closing = [this] { on_gateway_closing(); };
  turns.add(*this);
  base::RootTask<bool>::Owner& self = *this;
  task_.begin(serve(), self);
}

Task<bool> ClientRelay::serve() {
  bool tunnelled = false;
  for (;;) {
    Result<http1::ServerConnection::Arrival> arrival = co_await client_->arrivals().take(scope_);
    if (!arrival || *arrival == http1::ServerConnection::Arrival::over || !gateway_->has_room()) break;
    Task<bool> relaying = relay_stream(*arrival);
    tunnelled = co_await relaying;
    if (tunnelled || !client_->finish_stream()) break;
  }
  turns_.turn.graveyard.bury(std::move(gateway_));
  if (!tunnelled) {
    client_->close();
    base::Scope closing(turns_.turn);
    Result<bool> closed = co_await client_->closed().take(closing);
    static_cast<void>(closed);  // nothing is left to do
  }
  turns_.turn.graveyard.bury(std::move(client_));
  co_return true;
}

// Returns true when the stream has become a tunnel, which has ended.
Task<bool> ClientRelay::relay_stream(http1::ServerConnection::Arrival arrival) {
  stream_ = &gateway_->open_stream();
  stream_->line()->hold_credit();
  if (arrival == http1::ServerConnection::Arrival::refused) {
    stream_->send_refused(client_->request(), *client_->fault());
  } else {
    stream_->send(client_->request());
    upload_.emplace(client_->request_body(), stream_->request_body(), [this] {
      if (client_->request_body().at_end())
        stream_->request_body().end();
      else if (client_->fault())
        stream_->send_fault(*client_->fault());
    });
  }
  // The request and the end of the client may have arrived together.
  if (client_->gone()) on_client_gone(Cause::client_closed);
  if (client_->client_ended()) on_client_ended();
  for (;;) {
    Result<http::ResponseHead> head = co_await stream_->response().take(scope_);
    if (!head) {
      close_stream();
      co_return false;
    }
    if (head->opens_tunnel) {
      Task<bool> relaying = relay_tunnel(*head);
      const bool tunnelled = co_await relaying;
      co_return tunnelled;
    }
    if (!head->interim()) {
      client_->respond(*head);
      break;
    }
    client_->inform(*head);
  }
  download_.emplace(stream_->response_body(), client_->response_body(), [this] { downloaded_.put(true); });
  Result<bool> whole = co_await downloaded_.take(scope_);
  if (whole && !stream_->response_body().aborted()) {
    client_->set_trailers(stream_->trailers());
    client_->response_body().end();
  } else {
    client_->response_body().abort(stream_->response_body().aborted().value_or(base::Error{}));
  }
  Result<bool> sent = co_await client_->hand_over().take(scope_);
  static_cast<void>(sent);  // the client's connection knows it
  close_stream();
  co_return false;
}

Task<bool> ClientRelay::relay_tunnel(const http::ResponseHead& head) {
  std::unique_ptr<StreamTransport> stream(static_cast<StreamTransport*>(stream_->take_tunnel().release()));
  std::unique_ptr<net::Transport> socket = client_->accept_tunnel(head);
  upload_.reset();
  if (!socket) {
    stream->abort();
    stream.reset();
    close_stream();
    co_return false;
  }
  tunnel_ = std::make_unique<TunnelRelay>(turns_, std::move(stream), std::move(socket));
  base::Scope open(turns_.turn);
  Result<bool> over = co_await tunnel_->over().take(open);
  static_cast<void>(over);
  tunnel_.reset();  // what it says last goes out before the connection ends
  close_stream();
  co_return true;
}

void ClientRelay::close_stream() {
  upload_.reset();
  download_.reset();
  gateway_->close_stream(*std::exchange(stream_, nullptr));
}

void ClientRelay::on_client_gone(Cause why) {
  if (!stream_) return;
  if (why != Cause::client_closed) return;  // its request cannot be read any further: the copy has said so
  gateway_->connection().abort();
  scope_.cancel(why);
}

void ClientRelay::on_client_ended() {
  if (stream_ && stream_->line()) stream_->send_ended();
}

void ClientRelay::on_gateway_closing() {
  if (client_) client_->drain();
}

bool ClientRelay::fill() {
  if (!stream_ || !download_ || !stream_->line()) return false;
  return stream_->line()->release(taken_of(download_->moved(), client_->transit()));
}

// --- towards an endpoint ---

EndpointRelay::EndpointRelay(TurnFixture& turns, std::unique_ptr<net::Transport> gateway, Connect connect)
    : turns_(turns),
      gateway_(std::make_shared<MultiplexedConnection>(turns, std::move(gateway))),
      connect_(std::move(connect)),
      limits_(response_limits()) {
  MultiplexedConnection::Owner& self = *this;
  gateway_->start(self);
  lanes_.push_back(std::make_unique<Lane>(*this, connect_()));
}

EndpointRelay::~EndpointRelay() {
  if (gateway_) gateway_->set_owner(nullptr);
}

void EndpointRelay::on_unknown(const Frame& frame) {
  if (frame.type != FrameType::head) return;
  MultiplexedServerStream::Owner& self = *this;
  auto stream = std::make_unique<MultiplexedServerStream>(gateway_, frame, facts_, self);
  const auto idle = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->idle(); });
  const size_t index = static_cast<size_t>(idle - lanes_.begin());
  if (index == lanes_.size()) lanes_.push_back(std::make_unique<Lane>(*this, connect_()));
  Lane& lane = *lanes_[index];
  lane.begin(std::move(stream));
}

void EndpointRelay::on_client_gone(MultiplexedServerStream& stream, Cause) {
  for (const auto& lane : lanes_)
    if (lane->has(stream)) return lane->cancel();
}

// An endpoint without a connection has closed; the frames that were written go out before.
void EndpointRelay::end(Lane& lane) {
  const auto found =
      std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& one) { return one.get() == &lane; });
  if (found == lanes_.end()) return;
  turns_.turn.graveyard.bury(std::move(*found));
  lanes_.erase(found);
  if (lanes_.empty() && gateway_) gateway_->finish();
}

void EndpointRelay::close() {
  if (!gateway_) return;
  gateway_->set_owner(nullptr);
  gateway_ = nullptr;
  while (!lanes_.empty()) end(*lanes_.back());
}

EndpointRelay::Lane::Lane(EndpointRelay& relay, std::unique_ptr<net::Transport> endpoint)
    : relay_(relay),
      endpoint_(relay.turns_.turn, std::move(endpoint), relay.limits_),
      scope_(relay.turns_.turn) {
  relay.turns_.add(*this);
  http1::ClientConnection::Owner& self = *this;
  endpoint_.park(self);
}

void EndpointRelay::Lane::begin(std::unique_ptr<MultiplexedServerStream> stream) {
  idle_ = false;
  stream_ = std::move(stream);
  stream_->line()->hold_credit();
  task_ = std::make_unique<base::RootTask<bool>>();
  base::RootTask<bool>::Owner& self = *this;
  task_->begin(run(), self);
}

// Returns whether the connection can be used again.
Task<bool> EndpointRelay::Lane::run() {
  endpoint_.begin_stream();
  endpoint_.send(stream_->request());
  upload_.emplace(stream_->request_body(), endpoint_.request_body(), [this] {
    if (const std::optional<base::Error> cut = stream_->request_body().aborted())
      endpoint_.request_body().abort(*cut);
    else
      endpoint_.request_body().end();
  });
  for (;;) {
    Result<http::ResponseHead> head = co_await endpoint_.response().take(scope_);
    if (!head) {
      fail(head.error());
      co_return false;
    }
    if (head->opens_tunnel) {
      Task<bool> relaying = relay_tunnel(*head);
      const bool reusable = co_await relaying;
      co_return reusable;
    }
    tell_deviations();
    if (!head->interim()) {
      stream_->respond(*head);
      break;
    }
    stream_->inform(*head);
  }
  download_.emplace(endpoint_.response_body(), stream_->response_body(), [this] { downloaded_.put(true); });
  Result<bool> whole = co_await downloaded_.take(scope_);
  if (!whole) co_return false;  // the gateway has reset the stream
  if (const std::optional<base::Error> cut = endpoint_.response_body().aborted()) {
    fail(*cut);
  } else {
    tell_deviations();
    stream_->set_trailers(endpoint_.trailers());
    stream_->response_body().end();
  }
  Result<bool> sent = co_await stream_->hand_over().take(scope_);
  const bool reusable = sent && endpoint_.reusable();
  co_return reusable;
}

Task<bool> EndpointRelay::Lane::relay_tunnel(const http::ResponseHead& head) {
  upload_.reset();
  std::unique_ptr<net::Transport> socket = endpoint_.take_tunnel();
  std::unique_ptr<net::Transport> accepted = stream_->accept_tunnel(head);
  if (!accepted) co_return false;
  std::unique_ptr<StreamTransport> stream(static_cast<StreamTransport*>(accepted.release()));
  tunnel_ = std::make_unique<TunnelRelay>(relay_.turns_, std::move(stream), std::move(socket));
  base::Scope open(relay_.turns_.turn);
  Result<bool> over = co_await tunnel_->over().take(open);
  static_cast<void>(over);
  co_return false;
}

void EndpointRelay::Lane::on_task_ended(bool reusable) {
  base::Graveyard& graveyard = relay_.turns_.turn.graveyard;
  upload_.reset();
  download_.reset();
  graveyard.bury(std::move(task_));
  tunnel_.reset();
  stream_.reset();
  if (!reusable || !relay_.gateway_) return relay_.end(*this);
  idle_ = true;
  http1::ClientConnection::Owner& self = *this;
  endpoint_.park(self);
}

void EndpointRelay::Lane::fail(base::Error error) {
  const http::Fault& fault = endpoint_.fault();
  if (!fault.detail.empty()) return stream_->cut_with({error.cause, fault.detail, fault.bytes});
  if (download_) return stream_->response_body().abort(error);
  stream_->reset(error.cause, endpoint_.response_begun());
}

void EndpointRelay::Lane::tell_deviations() {
  for (const http::SeenDeviation& deviation : endpoint_.take_deviations()) stream_->send_deviation(deviation);
}

bool EndpointRelay::Lane::fill() {
  if (!stream_ || !upload_ || !stream_->line()) return false;
  return stream_->line()->release(taken_of(upload_->moved(), endpoint_.transit()));
}

}  // namespace postern::support
