// One connection of the demo application. A coroutine serves its requests until the client leaves or the
// connection becomes a WebSocket.
#pragma once

#include <memory>
#include <optional>

#include "base/root_task.h"
#include "crypto/hmac.h"
#include "demo/options.h"
#include "demo/socket_session.h"
#include "http/local_response.h"
#include "http/target.h"
#include "http1/server_connection.h"

namespace postern::demo {

struct Served {};  // all requests of a client were served

class DemoConnection final : private http1::ServerConnection::Owner, private base::RootTask<Served>::Owner {
 public:
  class Owner {
   public:
    // A WebSocket handshake was answered: the transport carries a WebSocket from now on.
    virtual void on_socket(std::unique_ptr<net::Transport> transport, SocketSession::Kind kind) = 0;
    // Called once. The connection must not be freed in this call; it may be buried.
    virtual void on_connection_over(DemoConnection& client) = 0;

   protected:
    ~Owner() = default;
  };

  // `options`, `key` and `owner` outlive the connection. begin() must be called immediately afterwards.
  DemoConnection(base::Turn& turn, const Options& options, const crypto::HmacKey& key,
                 std::unique_ptr<net::Transport> transport, Owner& owner);
  void begin();

  // The current request is still answered; an event stream ends.
  void leave();

 private:
  using Arrival = http1::ServerConnection::Arrival;

  void on_client_gone(base::Cause why) override;
  void on_client_ended() override;
  void on_task_ended(Served) override;

  base::Task<Served> serve();
  base::Task<base::Result<void>> answer_request(Arrival arrival);
  base::Task<base::Result<void>> read_body();
  base::Task<base::Result<void>> choose_answer(const http::Target& target);
  base::Task<base::Result<void>> send_events();
  base::Task<base::Result<bool>> finish_stream();
  base::Task<base::Result<bool>> close();
  void open_socket(SocketSession::Kind kind);
  void answer(const http::LocalResponse& response);

  base::Turn& turn_;
  const Options& options_;
  const crypto::HmacKey& key_;
  Owner& owner_;
  http::ClientFacts facts_;
  base::Scope scope_;
  std::optional<base::Scope> request_scope_;  // cancelled when the client leaves or an event stream must end
  std::optional<base::Cause> gone_;
  bool leaving_ = false;
  bool sends_events_ = false;
  http1::ServerConnection connection_;
  base::RootTask<Served> task_;  // last: its waits are linked into the members above
};

}  // namespace postern::demo
