#include "server/acceptor.h"

#include <doctest/doctest.h>

#include "unit/server/worker_fixture.h"

using namespace postern;
using namespace postern::server;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

bool answered(SocketClient& client) { return client.heard().find("404 Not Found") != std::string::npos; }

}  // namespace

TEST_CASE(
    "acceptor: one client more than the limit is told so with 503, and the next is served when one leaves") {
  WorkerFixture worker(2);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  SocketClient second(address);
  for (SocketClient* client : {&first, &second}) client->send(get);
  CHECK(worker.run_until([&] { return answered(first) && answered(second); }));
  SocketClient third(address);
  third.send(get);
  CHECK(worker.run_until([&] { return third.ended(); }));
  CHECK(third.heard().starts_with("HTTP/1.1 503 "));
  CHECK(third.heard().find("Connection: close\r\n") != std::string::npos);
  CHECK(third.heard().find("\"error\":\"overloaded\"") != std::string::npos);
  CHECK(worker.counts.open.load() == 2);
  const base::Json line = worker.log.line("connection_refused");
  CHECK(line["cause"] == "overloaded");
  CHECK(line["stage"] == "accept");
  CHECK(line["detail"] == "as many clients are connected as limits.connections allows: 2");
  third.leave();
  first.leave();
  CHECK(worker.run_until([&] { return worker.counts.open.load() == 1; }));
  CHECK(worker.run_until([&] { return worker.counts.refusing.load() == 0; }));
  SocketClient fourth(address);
  fourth.send(get);
  CHECK(worker.run_until([&] { return answered(fourth); }));
  for (SocketClient* client : {&second, &fourth}) client->leave();
  CHECK(worker.run_until([&] { return worker.acceptor.connections() == 0; }));
  CHECK(worker.counts.open.load() == 0);
  CHECK(worker.counts.clients() == 0);
}

TEST_CASE("acceptor: the limit counts the clients of every worker") {
  WorkerFixture worker(2);
  worker.counts.open = 2;  // those of another worker
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  first.send(get);
  CHECK(worker.run_until([&] { return first.heard().starts_with("HTTP/1.1 503 "); }));
  --worker.counts.open;
  SocketClient second(address);
  second.send(get);
  CHECK(worker.run_until([&] { return answered(second); }));
}

TEST_CASE("acceptor: when too many are being refused, further ones wait") {
  WorkerFixture worker(0);
  worker.counts.refusing = 256;
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient client(address);
  client.send(get);
  worker.run_idly();
  CHECK(client.heard().empty());
  CHECK_FALSE(client.ended());
  worker.counts.refusing = 0;
  CHECK(worker.run_until([&] { return client.heard().starts_with("HTTP/1.1 503 "); }));
}

TEST_CASE(
    "acceptor: one connection more than a client may have is told so with 429; the log has one line a "
    "second") {
  WorkerFixture worker(100, "", 2);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient first(address);
  SocketClient second(address);
  for (SocketClient* client : {&first, &second}) client->send(get);
  CHECK(worker.run_until([&] { return answered(first) && answered(second); }));
  SocketClient third(address);
  SocketClient fourth(address);
  for (SocketClient* client : {&third, &fourth}) client->send(get);
  CHECK(worker.run_until([&] { return third.ended() && fourth.ended(); }));
  for (SocketClient* client : {&third, &fourth}) {
    CHECK(client->heard().starts_with("HTTP/1.1 429 "));
    CHECK(client->heard().find("\"error\":\"too_many_connections\"") != std::string::npos);
  }
  CHECK(worker.log.lines("connection_refused").size() == 1);
  CHECK(worker.log.line("connection_refused")["detail"] ==
        "this client has 2 connections open, and may have no more");
  first.leave();
  CHECK(worker.run_until([&] { return worker.acceptor.connections() == 1; }));
  SocketClient again(address);
  again.send(get);
  CHECK(worker.run_until([&] { return answered(again); }));
}

TEST_CASE("acceptor: a listener that is named again stays, one that is not closes, its clients stay") {
  WorkerFixture worker(100);
  BoundListener listener = worker.bind("main");
  const base::SocketAddress address = listener.address;
  worker.adopt(std::move(listener));
  SocketClient before(address);
  before.send(get);
  CHECK(worker.run_until([&] { return answered(before); }));
  worker.adopt(WorkerFixture::known("main", address));
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

TEST_CASE("acceptor: after a reload a client that rests holds nothing old, and goes by the new limits") {
  WorkerFixture worker(100);
  BoundListener listener = worker.bind("main");
  const BoundListener known = WorkerFixture::known(listener.key, listener.address);
  worker.adopt(std::move(listener));
  SocketClient rests(known.address);
  SocketClient silent(known.address);
  rests.send(get);
  CHECK(worker.run_until([&] { return answered(rests) && worker.acceptor.connections() == 2; }));
  CHECK(rests.heard().find("Connection: close") == std::string::npos);
  CHECK(worker.reload(known, 2).expired());
  rests.send(get);
  silent.send(get);
  // Its second request was its last.
  CHECK(worker.run_until([&] { return rests.ended() && answered(silent); }));
  CHECK(rests.heard().find("Connection: close") != std::string::npos);
  CHECK_FALSE(silent.ended());
  // When a listener is removed, its clients keep the settings that it had last.
  const BoundListener other = worker.bind("other");
  CHECK(worker.reload(other, 5).expired());
  silent.send(get);
  CHECK(worker.run_until([&] { return silent.ended(); }));
}

TEST_CASE("acceptor: draining ends idle connections and tells when the last has gone") {
  WorkerFixture worker(100);
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
    WorkerFixture worker(10, trusted ? "127.0.0.0/8" : "10.0.0.0/8");
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
