#include "support/multiplexed_service.h"

#include <algorithm>

#include "base/error.h"

namespace postern::support {

using base::Cause;
using base::Result;
using base::Task;

MultiplexedService::MultiplexedService(TurnFixture& turns, const server::ServiceContext& context,
                                       std::unique_ptr<net::Transport> transport, size_t window)
    : context_(context),
      connection_(std::make_shared<MultiplexedConnection>(turns, std::move(transport), window)),
      scope_(turns.turn) {
  MultiplexedConnection::Owner& self = *this;
  connection_->start(self);
  turns.turn.arm(*this, context.settings.limits.server.keepalive);
}

MultiplexedService::~MultiplexedService() { connection_->set_owner(nullptr); }

Task<Result<void>> MultiplexedService::serve() {
  for (;;) {
    Result<bool> arrived = co_await news_.take(scope_);
    if (!arrived || !*arrived) break;
    std::unique_ptr<MultiplexedServerStream> stream = std::move(arrived_.front());
    arrived_.pop_front();
    begin(std::move(stream));
  }
  // Tunnels go on without the service.
  if (connection_->over() || connection_->tunnel_count() > 0) co_return Result<void>();
  connection_->finish();
  if (client_ended_) connection_->tell_when_sent();
  // Closing a connection while frames of the client are unread resets it, which loses the bytes that the
  // client has not received yet; a client that reads grants its window until the end.
  base::Phase phase(context_.scope, base::Stage::response_body, context_.settings.limits.server.linger);
  Result<bool> closed = co_await closed_.take(context_.scope);
  if (!closed) co_return base::fail(closed.error());
  co_return Result<void>();
}

void MultiplexedService::on_unknown(const Frame& frame) {
  if (frame.type != FrameType::head && frame.type != FrameType::refused) return;  // of a stream that is over
  if (ending_) return connection_->send(FrameType::reset, frame.stream, {"\0\0", 2});
  disarm();
  MultiplexedServerStream::Owner& self = *this;
  arrived_.push_back(std::make_unique<MultiplexedServerStream>(connection_, frame, context_.facts, self));
  news_.put(true);
}

void MultiplexedService::begin(std::unique_ptr<MultiplexedServerStream> stream) {
  server::refresh(context_.facts, context_.settings);
  auto open = std::make_unique<OpenExchange>();
  open->service = this;
  open->stream = std::move(stream);
  open->exchange = std::make_unique<proxy::Exchange>(context_.current.services, context_.current.pin,
                                                     *open->stream, context_.settings.limits.transfer);
  OpenExchange& begun = *open;
  exchanges_.push_back(std::move(open));
  // The request and the end of the client may have arrived together.
  if (begun.stream->gone()) begun.exchange->cancel(Cause::client_closed);
  if (begun.stream->client_ended()) begun.exchange->client_ended();
  base::RootTask<proxy::Outcome>::Owner& owner = begun;
  begun.task.begin(begun.stream->refused() ? begun.exchange->refuse() : begun.exchange->run(), owner);
}

void MultiplexedService::close(OpenExchange& ended) {
  const auto found = std::find_if(exchanges_.begin(), exchanges_.end(),
                                  [&](const auto& one) { return one.get() == &ended; });
  context_.current.services.turn.graveyard.bury(std::move(*found));
  exchanges_.erase(found);
  if (exchanges_.empty() && arrived_.empty())
    context_.current.services.turn.arm(*this, context_.settings.limits.server.keepalive);
  end_if_done();
}

void MultiplexedService::end_if_done() {
  if (ending_ && exchanges_.empty() && arrived_.empty() && !std::exchange(over_, true)) news_.put(false);
}

void MultiplexedService::drain() {
  connection_->send(FrameType::drain, 0);
  ending_ = true;
  end_if_done();
}

void MultiplexedService::cancel(Cause why) {
  for (const auto& open : exchanges_) open->exchange->cancel(why);
  arrived_.clear();  // they were not begun
  ending_ = true;
  end_if_done();
}

void MultiplexedService::on_half_closed() {
  client_ended_ = true;
  if (over_) connection_->tell_when_sent();
  ending_ = true;
  end_if_done();
}

void MultiplexedService::on_lost() {
  ending_ = true;
  closed_.put(false);
  end_if_done();
}

void MultiplexedService::on_all_sent() {
  if (over_ && client_ended_) closed_.put(true);
}

void MultiplexedService::on_deadline() {
  if (connection_->tunnel_count() > 0) return;
  ending_ = true;
  end_if_done();
}

proxy::Exchange* MultiplexedService::exchange_of(const MultiplexedServerStream& stream) {
  for (const auto& open : exchanges_)
    if (open->stream.get() == &stream) return open->exchange.get();
  return nullptr;
}

void MultiplexedService::on_client_gone(MultiplexedServerStream& stream, Cause why) {
  if (proxy::Exchange* exchange = exchange_of(stream)) exchange->cancel(why);
}

void MultiplexedService::on_client_ended(MultiplexedServerStream& stream) {
  if (proxy::Exchange* exchange = exchange_of(stream)) exchange->client_ended();
}

}  // namespace postern::support
