#include "server/http1_service.h"

#include "base/error.h"
#include "http1/writer.h"
#include "proxy/failure_response.h"

namespace postern::server {

using base::Cause;
using base::Result;
using base::Task;
using http1::ServerConnection;

Http1Service::Http1Service(const ServiceContext& context, std::unique_ptr<net::Transport> transport)
    : context_(context),
      connection_(context.current.services.turn, std::move(transport), context.settings.limits.server,
                  context.facts, *this) {}

void Http1Service::cancel(Cause why) {
  if (exchange_) exchange_->cancel(why);
}

void Http1Service::on_client_gone(Cause why) { cancel(why); }

void Http1Service::on_client_ended() {
  if (exchange_) exchange_->client_ended();
}

Task<Result<void>> Http1Service::serve() {
  Task<Result<bool>> serving = serve_requests();
  Result<bool> tunnelled = co_await serving;
  if (tunnelled && *tunnelled) co_return Result<void>();
  connection_.close();
  Result<bool> closed = co_await connection_.closed().take(context_.scope);
  if (!closed) co_return base::fail(closed.error());
  co_return Result<void>();
}

Task<Result<bool>> Http1Service::serve_requests() {
  for (;;) {
    Result<ServerConnection::Arrival> arrival = co_await connection_.arrivals().take(context_.scope);
    if (!arrival) co_return base::fail(arrival.error());
    if (*arrival == ServerConnection::Arrival::over) co_return false;
    refresh(context_.facts, context_.settings);
    exchange_ = std::make_unique<proxy::Exchange>(context_.current.services, context_.current.pin,
                                                  connection_, context_.settings.limits.transfer);
    // The request and the end of the client may have arrived together, before there was an exchange to
    // cancel.
    if (connection_.gone()) exchange_->cancel(Cause::client_closed);
    if (connection_.client_ended()) exchange_->client_ended();
    Task<proxy::Outcome> running =
        *arrival == ServerConnection::Arrival::refused ? exchange_->refuse() : exchange_->run();
    proxy::Outcome outcome = co_await running;
    if (outcome.tunnelled) co_return true;
    exchange_.reset();
    if (!connection_.finish_stream()) co_return false;
  }
}

void write_refusal(net::Transport& transport, base::Error why, const std::string& detail, int64_t now_unix) {
  http::ResponseHead head;
  const std::string body = proxy::render(proxy::failure_response(why, detail), {.now_unix = now_unix}, head);
  transport.write(http1::write_response(head, {head.body, head.content_length, "close"}));
  transport.write(base::Chunk::copy_of(body));
  transport.finish();
}

}  // namespace postern::server
