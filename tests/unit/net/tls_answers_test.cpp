// Tests peers whose records require answers (RFC 8446 4.6.3, KeyUpdate) and that do not read the answers.
#include <doctest/doctest.h>

#include "tls_fixture.h"

namespace {

using namespace postern::tls_fixture;

// A connection after its handshake, whose client reads nothing until it resumes.
struct Unheard {
  TicketKeys tickets;
  std::unique_ptr<const ServerTls> served = serve(usual_files(), tickets);
  RawFixture fixture{*served};
  ScriptedPeer server = [this] {
    fixture.shake_hands();
    return ScriptedPeer(std::move(fixture.server));
  }();
  Unheard() {
    REQUIRE(fixture.client.connected());
    fixture.turns.settle();
    fixture.client.carrier().transport().pause();
  }
};

}  // namespace

TEST_CASE("tls answers: a peer that has its records answered and takes no answer is read no further") {
  Unheard unheard;
  auto& [tickets, served, fixture, server] = unheard;
  fixture.pair.wire->to_first.capacity = 1024;
  size_t highest = 0;
  for (int i = 0; i < 20'000; ++i) {
    fixture.client.update_keys();
    if (i % 500 != 0) continue;
    fixture.turns.settle();
    highest = std::max(highest, server.transport().backlog());
  }
  fixture.client.send("after the flood");
  fixture.turns.settle();
  highest = std::max(highest, server.transport().backlog());
  CHECK(highest > Transport::high_water);
  CHECK(highest < Transport::high_water + 4 * 1024);
  CHECK(fixture.pair.wire->second_paused);
  CHECK(server.heard().empty());
  // Reading continues when the client has taken the answers, and nothing is lost.
  fixture.client.carrier().transport().resume();
  fixture.turns.settle();
  CHECK(server.heard() == "after the flood");
  CHECK(server.transport().backlog() == 0);
  server.send("an answer");
  fixture.turns.settle();
  CHECK(fixture.client.heard() == "an answer");
}

TEST_CASE("tls answers: a peer that takes no answer of ours is read on, for as long as it asks for none") {
  Unheard unheard;
  auto& [tickets, served, fixture, server] = unheard;
  server.send(pattern(1'000'000));  // the answer of an endpoint that does not wait for the body
  fixture.turns.settle();
  CHECK(server.transport().backlog() > Transport::high_water);
  const std::string body = pattern(3'000'000);
  for (size_t at = 0; at < body.size(); at += 10'000) {
    if (at % 500'000 == 0) fixture.client.update_keys();  // as a careful client does from time to time
    fixture.client.send(std::string_view(body).substr(at, 10'000));
    fixture.turns.settle();
  }
  CHECK(server.heard() == body);
  CHECK_FALSE(fixture.pair.wire->second_paused);
}

TEST_CASE("tls answers: a receiver that pauses and resumes does not undo the wait for answers to be taken") {
  Unheard unheard;
  auto& [tickets, served, fixture, server] = unheard;
  fixture.pair.wire->to_first.capacity = 1024;
  for (int i = 0; i < 20'000; ++i) {
    fixture.client.update_keys();
    if (i % 100 != 0) continue;
    server.transport().pause();
    fixture.turns.settle();
    server.transport().resume();
    fixture.turns.settle();
  }
  CHECK(server.transport().backlog() < Transport::high_water + 4 * 1024);
  fixture.client.send("here still");
  server.transport().pause();
  fixture.client.carrier().transport().resume();
  fixture.turns.settle();
  CHECK(server.heard().empty());  // the pause of its owner stays in effect
  server.transport().resume();
  fixture.turns.settle();
  CHECK(server.heard() == "here still");
}
