// Serves HTTP/1.1: one stream at a time, and after it, if both sides agree, the next one.
#pragma once

#include <memory>
#include <string>

#include "http1/server_connection.h"
#include "proxy/exchange.h"
#include "server/service.h"

namespace postern::server {

class Http1Service final : public Service, public base::Pooled, private http1::ServerConnection::Owner {
 public:
  Http1Service(const ServiceContext& context, std::unique_ptr<net::Transport> transport);

  base::Task<base::Result<void>> serve() override;
  void drain() override { connection_.drain(); }
  void cancel(base::Cause why) override;
  size_t exchanges() const override { return exchange_ ? 1 : 0; }

 private:
  // Returns true when a tunnel has taken the connection.
  base::Task<base::Result<bool>> serve_requests();
  void on_client_gone(base::Cause why) override;
  void on_client_ended() override;

  const ServiceContext context_;
  http1::ServerConnection connection_;
  std::unique_ptr<proxy::Exchange> exchange_;  // the exchange of the open stream
};

// Writes the answer of a connection that is refused before a request was read, and ends our direction.
void write_refusal(net::Transport& transport, base::Error why, const std::string& detail, int64_t now_unix);

}  // namespace postern::server
