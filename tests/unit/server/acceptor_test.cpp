#include "server/acceptor.h"

#include <doctest/doctest.h>

#include "unit/server/worker_ground.h"

using namespace postern;
using namespace postern::server;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

bool answered(SocketClient& client) { return client.heard().find("404 Not Found") != std::string::npos; }

}  // namespace

TEST_CASE("acceptor: the limit on connections holds, and the next client is served when one leaves") {
  WorkerGround worker(2);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  SocketClient second(address);
  SocketClient third(address);
  for (SocketClient* client : {&first, &second, &third}) client->send(get);
  CHECK(worker.run_until([&] { return answered(first) && answered(second); }));
  worker.run_idly();
  CHECK(third.heard().empty());
  CHECK_FALSE(third.ended());  // it waits, and is not refused
  CHECK(worker.acceptor.connections() == 2);
  CHECK(worker.count.open.load() == 2);
  CHECK(worker.log.line("connections_at_limit")["limit"] == 2);
  first.leave();
  CHECK(worker.run_until([&] { return answered(third); }));
  CHECK(worker.acceptor.connections() == 2);
  for (SocketClient* client : {&second, &third}) client->leave();
  CHECK(worker.run_until([&] { return worker.acceptor.connections() == 0; }));
  CHECK(worker.run_until([&] { return worker.count.open.load() == 0; }));
  CHECK(worker.told_gone() == 1);
}

TEST_CASE("acceptor: the limit counts the clients of every worker") {
  WorkerGround worker(2);
  worker.count.open = 1;  // another worker's
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  SocketClient second(address);
  first.send(get);
  second.send(get);
  CHECK(worker.run_until([&] { return answered(first); }));
  worker.run_idly();
  CHECK(second.heard().empty());
  --worker.count.open;
  CHECK(worker.run_until([&] { return answered(second); }));
}

TEST_CASE("acceptor: a listener that is named again stays, one that is not closes, its clients stay") {
  WorkerGround worker(100);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient before(address);
  before.send(get);
  CHECK(worker.run_until([&] { return answered(before); }));
  worker.adopt(WorkerGround::known("main", address));
  SocketClient between(address);
  between.send(get);
  CHECK(worker.run_until([&] { return answered(between); }));
  BoundListener other = worker.bind("other");
  const base::SocketAddress other_address = other.address;
  worker.adopt(std::move(other));
  CHECK_FALSE(SocketClient(address).connected());
  SocketClient after(other_address);
  after.send(get);
  CHECK(worker.run_until([&] { return answered(after); }));
  const size_t heard = before.heard().size();
  before.send(get);
  CHECK(worker.run_until([&] { return before.heard().size() == 2 * heard; }));
  CHECK(worker.acceptor.connections() == 3);
}

TEST_CASE("acceptor: draining ends resting clients and tells when the last has gone") {
  WorkerGround worker(100);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  SocketClient second(address);
  first.send(get);
  second.send(get);
  CHECK(worker.run_until([&] { return answered(first) && answered(second); }));
  worker.acceptor.stop_accepting();
  worker.acceptor.drain();
  CHECK(worker.run_until([&] { return worker.told_gone() == 1; }));
  CHECK(worker.acceptor.connections() == 0);
  CHECK(worker.run_until([&] { return first.ended() && second.ended(); }));
  CHECK_FALSE(SocketClient(address).connected());
}

TEST_CASE("acceptor: a header is expected from the addresses on the listener's list only") {
  for (const bool trusted : {false, true}) {
    CAPTURE(trusted);
    WorkerGround worker(10, trusted ? "127.0.0.0/8" : "10.0.0.0/8");
    BoundListener listener = worker.bind("main");
    const base::SocketAddress address = listener.address;
    worker.adopt(std::move(listener));
    SocketClient with_header(address);
    SocketClient without(address);
    with_header.send("PROXY TCP4 192.0.2.77 198.51.100.1 40000 443\r\n" + std::string(get));
    without.send(get);
    if (trusted) {
      CHECK(worker.run_until([&] { return answered(with_header) && without.ended(); }));
      CHECK(without.heard().empty());
      CHECK(worker.log.line("exchange")["client"] == "192.0.2.77");
    } else {
      CHECK(worker.run_until([&] { return answered(without) && with_header.ended(); }));
      CHECK(with_header.heard().find("400 Bad Request") != std::string::npos);
    }
  }
}
