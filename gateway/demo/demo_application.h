// The demo module knows a small application: a page, an API, server-sent events and WebSockets. It provides a
// server for it on one loop, to which the gateway proxies like to any other. It must not know the gateway in
// front of it, configuration, or tokens, except to create one for trying out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/hmac.h"
#include "demo/demo_connection.h"
#include "demo/options.h"
#include "demo/socket_session.h"
#include "net/listener.h"
#include "net/loop.h"

namespace postern::demo {

class DemoApplication final : private net::Listener::Owner,
                              private DemoConnection::Owner,
                              private SocketSession::Owner,
                              private base::Timer {
 public:
  class Owner {
   public:
    // Called when nothing is open any more after stop(). It must not destroy the application in this call; it
    // may stop the loop.
    virtual void on_demo_stopped() = 0;

   protected:
    ~Owner() = default;
  };

  // Accepts connections at once. `jwt_secret` signs the tokens (HS256) and is not empty. The loop outlives
  // the application; everything runs on the loop's thread.
  DemoApplication(net::Loop& loop, net::ListeningSocket socket, std::string_view jwt_secret,
                  const Options& options = {});
  ~DemoApplication() override;  // cuts what is open; must not run within a callback of the application
  DemoApplication(const DemoApplication&) = delete;
  DemoApplication& operator=(const DemoApplication&) = delete;

  // The listening address, with the port that the system chose.
  const base::SocketAddress& address() const { return address_; }
  size_t connections() const { return connections_.size() + sessions_.size(); }

  // Stops accepting. Requests are still answered, event streams end, WebSockets are closed with 1001. What is
  // open after Options::stop_limit is cut. `told`, if given, is called when nothing is left, possibly within
  // this call.
  void stop(Owner* told = nullptr);

 private:
  bool may_accept() override { return connections() < options_.connections; }
  void on_nobody_waits() override {}
  void on_accepted(net::Listener& listener, net::Socket socket, const base::SocketAddress& peer) override;
  void on_descriptors_exhausted(net::Listener&) override {}  // accepting resumes without help
  void on_accepting_again(net::Listener&) override {}
  void on_socket(std::unique_ptr<net::Transport> transport, SocketSession::Kind kind) override;
  void on_connection_over(DemoConnection& connection) override;
  void on_session_over(SocketSession& session) override;
  void on_deadline() override;
  void one_is_over();

  net::Loop& loop_;
  const Options options_;
  const crypto::HmacKey key_;
  const base::SocketAddress address_;
  std::vector<std::unique_ptr<DemoConnection>> connections_;
  std::vector<std::unique_ptr<SocketSession>> sessions_;
  std::unique_ptr<net::Listener> listener_;  // null after stop()
  Owner* told_ = nullptr;
};

}  // namespace postern::demo
