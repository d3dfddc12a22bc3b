// A real loop and real loopback sockets. Every wait is bounded by the loop's own deadline.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "net/listener.h"
#include "net/loop.h"
#include "net/tcp_transport.h"
#include "support/memory_transport.h"

namespace postern::net {

class LoopFixture {
 public:
  Loop loop;

  // Runs the loop until `done`; false when that did not happen within ten seconds.
  bool run_until(const std::function<bool()>& done) {
    Deadline deadline;
    loop.turn().now = monotonic_now();
    loop.turn().arm(deadline, std::chrono::seconds(10));
    loop.turn().run();
    while (!done() && !deadline.passed) uv_run(loop.uv(), UV_RUN_ONCE);
    return done();
  }

  // Runs the loop for a few turns that do not block, in which nothing is expected to happen.
  void run_idly(int turns = 20) {
    for (int i = 0; i < turns; ++i) uv_run(loop.uv(), UV_RUN_NOWAIT);
  }

  // Makes both ends of a connection over loopback.
  struct Ends {
    Socket first;
    Socket second;
    Peer second_address;
  };
  static Ends connect_ends() {
    auto listening = listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(listening);
    Socket first(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const KernelAddress address = to_kernel(listening->address);
    REQUIRE(::connect(first.descriptor(), address.get(), address.length) == 0);
    // The handshake is complete, but the connection may not be in the accept queue yet.
    fcntl(listening->socket.descriptor(), F_SETFL, 0);
    Socket second(::accept4(listening->socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(second);
    fcntl(first.descriptor(), F_SETFL, O_NONBLOCK);
    return {std::move(first), std::move(second), listening->address};
  }

  std::unique_ptr<Transport> adopt(Socket socket, const Peer& peer = {}) {
    std::unique_ptr<Transport> transport = TcpTransport::adopt(loop, std::move(socket), peer);
    REQUIRE(transport);
    return transport;
  }

 private:
  struct Deadline final : base::Timer {
    void on_deadline() override { passed = true; }
    bool passed = false;
  };
};

}  // namespace postern::net
