// Serves the multiplexed protocol to one client, as server/http1_service.h serves HTTP/1.1: an exchange for
// each stream, any number of them at once.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/root_task.h"
#include "proxy/exchange.h"
#include "server/service.h"
#include "support/multiplexed_stream.h"

namespace postern::support {

class MultiplexedService final : public server::Service,
                                 private MultiplexedConnection::Owner,
                                 private MultiplexedServerStream::Owner,
                                 private base::Timer {
 public:
  MultiplexedService(TurnFixture& turns, const server::ServiceContext& context,
                     std::unique_ptr<net::Transport> transport, size_t window);
  ~MultiplexedService() override;

  base::Task<base::Result<void>> serve() override;
  void drain() override;
  void cancel(base::Cause why) override;
  size_t exchanges() const override { return exchanges_.size(); }

 private:
  struct OpenExchange final : base::RootTask<proxy::Outcome>::Owner {
    void on_task_ended(proxy::Outcome) override { service->close(*this); }
    MultiplexedService* service = nullptr;
    std::unique_ptr<MultiplexedServerStream> stream;
    std::unique_ptr<proxy::Exchange> exchange;
    base::RootTask<proxy::Outcome> task;
  };

  void on_unknown(const Frame& frame) override;
  void on_drain() override {}
  void on_half_closed() override;
  void on_lost() override;
  void on_all_sent() override;
  void on_client_gone(MultiplexedServerStream& stream, base::Cause why) override;
  void on_client_ended(MultiplexedServerStream& stream) override;
  void on_deadline() override;
  proxy::Exchange* exchange_of(const MultiplexedServerStream& stream);
  void begin(std::unique_ptr<MultiplexedServerStream> stream);
  void close(OpenExchange& ended);
  void end_if_done();

  const server::ServiceContext context_;
  std::shared_ptr<MultiplexedConnection> connection_;
  base::Scope scope_;  // of the service: what it waits for comes in every case
  std::deque<std::unique_ptr<MultiplexedServerStream>> arrived_;
  std::vector<std::unique_ptr<OpenExchange>> exchanges_;
  base::Slot<bool> news_;    // a stream has arrived, or else the service is over
  base::Slot<bool> closed_;  // the client has nothing more to say, or the connection is broken
  bool client_ended_ = false;
  bool ending_ = false;  // the service ends with its last exchange
  bool over_ = false;
};

}  // namespace postern::support
