#include "net/tcp_transport.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>

#include "loop_fixture.h"
#include "support/word_by_word.h"

namespace {

using namespace postern;
using namespace postern::net;
using support::ScriptedPeer;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

// Two transports on one loop, connected over loopback.
struct Fixture : LoopFixture {
  Fixture() : Fixture(connect_ends()) {}
  explicit Fixture(Ends ends)
      : first(adopt(std::move(ends.first), ends.second_address)), second(adopt(std::move(ends.second))) {}
  ScriptedPeer first;
  ScriptedPeer second;
};

// A receiver that pauses itself after every delivery.
struct Reluctant final : Transport::Receiver {
  explicit Reluctant(Transport& the_transport) : transport(the_transport) {}
  void on_bytes(base::Bytes bytes) override {
    heard += base::text_of(bytes);
    ++deliveries;
    transport.pause();
  }
  void on_drained() override {}
  void on_end() override { ended = true; }
  void on_closed(base::Error) override { broken = true; }
  Transport& transport;
  std::string heard;
  int deliveries = 0;
  bool ended = false;
  bool broken = false;
};

}  // namespace

TEST_CASE("tcp transport: bytes go both ways") {
  Fixture fixture;
  fixture.first.send("ping");
  REQUIRE(fixture.run_until([&] { return fixture.second.heard() == "ping"; }));
  fixture.second.send("pong");
  fixture.second.transport().write(base::bytes_of(" at once"));
  REQUIRE(fixture.run_until([&] { return fixture.first.heard().size() == 12; }));
  // What is written as bytes is sent at once only when nothing is queued before it.
  CHECK(fixture.first.heard() == "pong at once");
}

TEST_CASE("tcp transport: it knows its peer") {
  Fixture fixture;
  CHECK(fixture.first.transport().peer().ip.is_loopback());
  CHECK(fixture.first.transport().peer().port != 0);
}

TEST_CASE("tcp transport: large amounts arrive whole in both directions at the same time") {
  Fixture fixture;
  const std::string there = pattern(5'000'000);
  const std::string back = pattern(3'000'001);
  for (size_t at = 0; at < there.size(); at += 50'000)
    fixture.first.send(std::string_view(there).substr(at, 50'000));
  fixture.second.transport().write(base::bytes_of(back));
  REQUIRE(fixture.run_until([&] {
    return fixture.second.heard().size() == there.size() && fixture.first.heard().size() == back.size();
  }));
  CHECK(fixture.second.heard() == there);
  CHECK(fixture.first.heard() == back);
  CHECK(fixture.first.transport().backlog() == 0);
}

TEST_CASE("tcp transport: a peer that does not read makes a backlog, one that reads again drains it") {
  Fixture fixture;
  fixture.second.transport().pause();
  const std::string text = pattern(20'000'000);
  fixture.first.send(text);
  fixture.run_idly(50);
  CHECK(fixture.first.transport().backlog() > Transport::high_water);
  CHECK(fixture.second.heard().empty());
  CHECK(fixture.first.drained() == 0);
  const Transport::Transit stuck = fixture.first.transport().transit();
  CHECK(stuck.outstanding > Transport::high_water);
  CHECK(stuck.acknowledged + stuck.outstanding >= text.size());
  fixture.run_idly(20);
  CHECK(fixture.first.transport().transit().acknowledged == stuck.acknowledged);
  fixture.second.transport().resume();
  REQUIRE(fixture.run_until([&] { return fixture.second.heard().size() == text.size(); }));
  REQUIRE(fixture.run_until([&] { return fixture.first.drained() == 1; }));
  CHECK(fixture.second.heard() == text);
  CHECK(fixture.first.transport().backlog() == 0);
  CHECK(fixture.first.transport().transit().acknowledged > stuck.acknowledged);
}

TEST_CASE("tcp transport: who asks is told once when the backlog is empty") {
  Fixture fixture;
  fixture.first.transport().tell_when_sent();  // there is no backlog
  REQUIRE(fixture.run_until([&] { return fixture.first.sent() == 1; }));
  fixture.second.transport().pause();
  fixture.first.send(pattern(20'000'000));
  fixture.first.transport().tell_when_sent();
  fixture.run_idly();
  CHECK(fixture.first.sent() == 1);
  fixture.second.transport().resume();
  REQUIRE(fixture.run_until([&] { return fixture.first.sent() == 2; }));
  CHECK(fixture.first.transport().backlog() == 0);
  REQUIRE(fixture.run_until([&] { return fixture.second.heard().size() == 20'000'000; }));
  CHECK(fixture.first.sent() == 2);
}

TEST_CASE("tcp transport: a reset that comes after the peer's end is noticed without a write") {
  Fixture fixture;
  fixture.second.finish();
  REQUIRE(fixture.run_until([&] { return fixture.first.ended(); }));
  CHECK_FALSE(fixture.first.broken());
  fixture.second.reset();
  REQUIRE(fixture.run_until([&] { return fixture.first.broken(); }));
}

TEST_CASE("tcp transport: of a Unix socket it is known what the peer has read") {
  LoopFixture fixture;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  ScriptedPeer writer(fixture.adopt(net::Socket(ends[0])));
  net::Socket reader(ends[1]);
  writer.send(pattern(1'000'000));
  fixture.run_idly();
  const Transport::Transit stuck = writer.transport().transit();
  CHECK(stuck.outstanding >= 1'000'000);
  std::string buffer(150'000, ' ');
  REQUIRE(::recv(reader.descriptor(), buffer.data(), buffer.size(), 0) > 0);
  fixture.run_idly();
  CHECK(writer.transport().transit().acknowledged > stuck.acknowledged);
}

TEST_CASE("tcp transport: below high water nothing is told about draining") {
  Fixture fixture;
  fixture.first.send("a little");
  REQUIRE(fixture.run_until([&] { return fixture.second.heard().size() == 8; }));
  CHECK(fixture.first.drained() == 0);
}

TEST_CASE("tcp transport: a receiver that pauses in its call gets nothing more until it resumes") {
  LoopFixture fixture;
  auto ends = LoopFixture::connect_ends();
  ScriptedPeer sender(fixture.adopt(std::move(ends.first)));
  auto transport = fixture.adopt(std::move(ends.second));
  Reluctant reader(*transport);
  transport->start(reader);
  const std::string text = pattern(2'000'000);
  sender.send(text);
  sender.finish();
  REQUIRE(fixture.run_until([&] { return reader.deliveries == 1; }));
  fixture.run_idly();
  CHECK(reader.deliveries == 1);
  REQUIRE(fixture.run_until([&] {
    const int before = reader.deliveries;
    transport->resume();
    fixture.run_idly(1);
    CHECK(reader.deliveries <= before + 1);
    return reader.ended;
  }));
  CHECK(reader.heard == text);
}

TEST_CASE("tcp transport: finishing ends one direction, the other goes on") {
  Fixture fixture;
  fixture.first.send("last words");
  fixture.first.finish();
  REQUIRE(fixture.run_until([&] { return fixture.second.ended(); }));
  CHECK(fixture.second.heard() == "last words");
  CHECK_FALSE(fixture.second.broken());
  fixture.second.send("an answer");
  REQUIRE(fixture.run_until([&] { return fixture.first.heard() == "an answer"; }));
  fixture.second.finish();
  REQUIRE(fixture.run_until([&] { return fixture.first.ended(); }));
}

TEST_CASE("tcp transport: finishing waits for a backlog") {
  Fixture fixture;
  const std::string text = pattern(10'000'000);
  fixture.second.transport().pause();
  fixture.first.send(text);
  fixture.first.finish();
  fixture.run_idly();
  fixture.second.transport().resume();
  REQUIRE(fixture.run_until([&] { return fixture.second.ended(); }));
  CHECK(fixture.second.heard().size() == text.size());
  CHECK(fixture.second.heard() == text);
}

TEST_CASE("tcp transport: an end that comes together with bytes is seen after them") {
  for (const size_t size :
       {size_t{1}, size_t{1000}, Loop::receive_buffer_size, Loop::receive_buffer_size * 3 + 1}) {
    CAPTURE(size);
    LoopFixture fixture;
    auto ends = LoopFixture::connect_ends();
    const std::string text = pattern(size);
    ScriptedPeer reader(fixture.adopt(std::move(ends.second)));
    size_t sent = 0;
    REQUIRE(fixture.run_until([&] {
      const ssize_t count =
          ::send(ends.first.descriptor(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<size_t>(count);
      if (sent == size) ::shutdown(ends.first.descriptor(), SHUT_WR);
      return sent == size;
    }));
    REQUIRE(fixture.run_until([&] { return reader.ended(); }));
    CHECK(reader.heard() == text);
  }
}

TEST_CASE("tcp transport: bytes and an end that were there before it was adopted are seen") {
  LoopFixture fixture;
  auto ends = LoopFixture::connect_ends();
  REQUIRE(::send(ends.first.descriptor(), "early", 5, 0) == 5);
  ends.first.reset();
  ScriptedPeer reader(fixture.adopt(std::move(ends.second)));
  REQUIRE(fixture.run_until([&] { return reader.ended(); }));
  CHECK(reader.heard() == "early");
}

TEST_CASE("tcp transport: an end that came while it paused is told when it resumes") {
  Fixture fixture;
  fixture.second.transport().pause();
  fixture.first.send("text");
  fixture.first.finish();
  fixture.run_idly();
  CHECK_FALSE(fixture.second.ended());
  fixture.second.transport().resume();
  REQUIRE(fixture.run_until([&] { return fixture.second.ended(); }));
  CHECK(fixture.second.heard() == "text");
}

TEST_CASE("tcp transport: dropping one closes the connection cleanly") {
  Fixture fixture;
  fixture.first.send("text");
  REQUIRE(fixture.run_until([&] { return fixture.second.heard() == "text"; }));
  fixture.first.leave();
  REQUIRE(fixture.run_until([&] { return fixture.second.ended(); }));
  CHECK_FALSE(fixture.second.broken());
}

TEST_CASE("tcp transport: an aborted one is seen as a reset") {
  Fixture fixture;
  fixture.first.send("text");
  REQUIRE(fixture.run_until([&] { return fixture.second.heard() == "text"; }));
  fixture.first.reset();
  REQUIRE(fixture.run_until([&] { return fixture.second.broken(); }));
  CHECK_FALSE(fixture.second.ended());
}

TEST_CASE("tcp transport: writing to a peer that has gone breaks it") {
  Fixture fixture;
  fixture.second.reset();
  REQUIRE(fixture.run_until([&] {
    fixture.first.send("anybody there?");
    fixture.run_idly(1);
    return fixture.first.broken();
  }));
  CHECK(fixture.first.transport().backlog() == 0);
  fixture.first.send("still?");
  CHECK(fixture.first.transport().backlog() == 0);
}

TEST_CASE("tcp transport: when it breaks it tells what its peer had yet to take") {
  struct Witness final : Transport::Receiver {
    explicit Witness(std::unique_ptr<Transport> the_transport) : transport(std::move(the_transport)) {
      transport->start(*this);
    }
    void on_bytes(base::Bytes) override {}
    void on_drained() override {}
    void on_end() override {}
    void on_closed(base::Error) override {
      broken = true;
      backlog = transport->backlog();
      outstanding = transport->transit().outstanding;
    }
    std::unique_ptr<Transport> transport;
    bool broken = false;
    size_t backlog = 0;
    size_t outstanding = 0;
  };
  Fixture fixture;
  fixture.second.transport().pause();
  Witness witness(fixture.first.take_transport());
  witness.transport->write(base::Chunk::copy_of(pattern(20'000'000)));
  fixture.run_idly(20);
  fixture.second.reset();
  REQUIRE(fixture.run_until([&] { return witness.broken; }));
  CHECK(witness.backlog > 0);
  CHECK(witness.outstanding > witness.backlog);  // the kernel's part, too
  CHECK(witness.transport->backlog() == 0);
}

TEST_CASE(
    "tcp transport: what a peer said before it reset the connection is heard, also by one that writes") {
  for (const bool at_once : {false, true}) {
    Fixture fixture;
    fixture.run_idly();
    fixture.first.send("unread");
    fixture.run_idly();
    fixture.second.send("last words");
    auto leaving = fixture.second.take_transport();
    leaving->pause();
    fixture.first.send("unread, too");
    // The first end does not read its socket until the reset has arrived.
    fixture.loop.turn().run();
    leaving.reset();
    for (int i = 0; i < 3 && !fixture.first.broken(); ++i) {
      if (at_once)
        fixture.first.transport().write(base::bytes_of("into the void"));
      else
        fixture.first.send("into the void");
      fixture.loop.turn().run();
    }
    REQUIRE(fixture.run_until([&] { return fixture.first.broken(); }));
    CHECK(fixture.first.heard() == "last words");
    CHECK_FALSE(fixture.first.ended());
  }
}

TEST_CASE("tcp transport: that it is broken is told also to who pauses it over its peer's last words") {
  Fixture fixture;
  fixture.run_idly();
  Reluctant reader(fixture.first.transport());
  fixture.first.transport().start(reader);
  fixture.first.transport().write(base::Chunk::copy_of("unread"));
  fixture.run_idly();
  fixture.second.send("last words, " + std::string(300'000, '.'));
  auto leaving = fixture.second.take_transport();
  leaving->pause();
  fixture.first.transport().write(base::Chunk::copy_of("unread, too"));
  fixture.loop.turn().run();
  leaving.reset();
  for (int i = 0; i < 3 && !reader.broken; ++i) {
    fixture.first.transport().write(base::Chunk::copy_of("into the void"));
    fixture.loop.turn().run();
  }
  CHECK(fixture.run_until([&] { return reader.broken; }));
}

TEST_CASE("tcp transport: bytes that are put back are delivered first, and without new ones coming") {
  Fixture fixture;
  fixture.first.send("world");
  REQUIRE(fixture.run_until([&] { return fixture.second.heard() == "world"; }));
  std::unique_ptr<Transport> transport = fixture.second.take_transport();
  transport->pause();
  transport->unread(base::Chunk::copy_of("hello "));
  transport->unread(base::Chunk::copy_of("again, "));
  ScriptedPeer next(std::move(transport));
  CHECK(next.heard().empty());  // never during the call itself
  REQUIRE(fixture.run_until([&] { return next.heard() == "hello again, "; }));
  fixture.first.send("world");
  REQUIRE(fixture.run_until([&] { return next.heard() == "hello again, world"; }));
}

TEST_CASE("tcp transport: what is put back comes before what came after it, and before the end") {
  Fixture fixture;
  support::WordByWord reader(fixture.second.take_transport());
  const auto next = [&](std::string_view words) {
    return fixture.run_until([&] {
      if (reader.words != words) reader.transport->resume();
      return reader.words == words;
    });
  };
  reader.transport->pause();
  for (const std::string_view text : {"first ", "second ", "third "})
    reader.transport->unread(base::Chunk::copy_of(text));
  fixture.first.send("four");
  fixture.first.finish();
  fixture.run_idly();
  CHECK(reader.words.empty());
  CHECK(next("first |"));
  fixture.run_idly();
  CHECK(next("first |second |"));
  CHECK(next("first |second |third |"));
  CHECK(next("first |second |third |four|"));
  CHECK(next("first |second |third |four|end"));
}

TEST_CASE("tcp transport: it counts for as long as its socket is open") {
  LoopFixture fixture;
  auto ends = LoopFixture::connect_ends();
  std::atomic<uint32_t> open{0};
  auto transport = TcpTransport::adopt(fixture.loop, std::move(ends.first), {}, CountGuard::within(open, 9));
  CHECK(open == 1);
  transport.reset();
  CHECK(open == 0);
}

TEST_CASE("tcp transport: many of them on one loop do not disturb each other") {
  LoopFixture fixture;
  struct Pair {
    std::unique_ptr<ScriptedPeer> near;
    std::unique_ptr<ScriptedPeer> far;
  };
  std::vector<Pair> pairs;
  for (int i = 0; i < 100; ++i) {
    auto ends = LoopFixture::connect_ends();
    pairs.push_back({std::make_unique<ScriptedPeer>(fixture.adopt(std::move(ends.first))),
                     std::make_unique<ScriptedPeer>(fixture.adopt(std::move(ends.second)))});
    // Each end echoes until it has received enough.
    pairs.back().far->on_hearing = [](ScriptedPeer& peer) { peer.send(peer.take_heard()); };
  }
  for (int i = 0; i < 100; ++i)
    pairs[static_cast<size_t>(i)].near->send(std::string(1000, static_cast<char>('0' + i % 70)));
  REQUIRE(fixture.run_until([&] {
    for (const Pair& pair : pairs)
      if (pair.near->heard().size() < 1000) return false;
    return true;
  }));
  for (int i = 0; i < 100; ++i)
    CHECK(pairs[static_cast<size_t>(i)].near->heard() == std::string(1000, static_cast<char>('0' + i % 70)));
}
