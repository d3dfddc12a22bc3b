// Peers that have records answered (RFC 8446 4.6.3, KeyUpdate) and do not take the answers.
#include <doctest/doctest.h>

#include "tls_ground.h"

namespace {

using namespace postern::tls_ground;

// A connection after its handshake, whose client takes nothing of what comes until it resumes.
struct Unheard {
  TicketKeys tickets;
  std::unique_ptr<const ServerTls> served = serve(usual_files(), tickets);
  RawGround ground{*served};
  ScriptedPeer server = [this] {
    ground.shake_hands();
    return ScriptedPeer(std::move(ground.server));
  }();
  Unheard() {
    REQUIRE(ground.client.connected());
    ground.world.settle();
    ground.client.carrier().transport().pause();
  }
};

}  // namespace

TEST_CASE("tls answers: a peer that has its records answered and takes no answer is read no further") {
  Unheard unheard;
  auto& [tickets, served, ground, server] = unheard;
  ground.pair.wire->to_first.capacity = 1024;
  size_t highest = 0;
  for (int i = 0; i < 20'000; ++i) {
    ground.client.update_keys();
    if (i % 500 != 0) continue;
    ground.world.settle();
    highest = std::max(highest, server.transport().backlog());
  }
  ground.client.send("after the flood");
  ground.world.settle();
  highest = std::max(highest, server.transport().backlog());
  CHECK(highest > Transport::high_water);
  CHECK(highest < Transport::high_water + 4 * 1024);
  CHECK(ground.pair.wire->second_paused);
  CHECK(server.heard().empty());
  // It is read again when it has taken them, and nothing is lost.
  ground.client.carrier().transport().resume();
  ground.world.settle();
  CHECK(server.heard() == "after the flood");
  CHECK(server.transport().backlog() == 0);
  server.send("an answer");
  ground.world.settle();
  CHECK(ground.client.heard() == "an answer");
}

TEST_CASE("tls answers: a peer that takes no answer of ours is read on, for as long as it asks for none") {
  Unheard unheard;
  auto& [tickets, served, ground, server] = unheard;
  server.send(pattern(1'000'000));  // the answer of an endpoint that does not wait for the body
  ground.world.settle();
  CHECK(server.transport().backlog() > Transport::high_water);
  const std::string body = pattern(3'000'000);
  for (size_t at = 0; at < body.size(); at += 10'000) {
    if (at % 500'000 == 0) ground.client.update_keys();  // as a careful client does from time to time
    ground.client.send(std::string_view(body).substr(at, 10'000));
    ground.world.settle();
  }
  CHECK(server.heard() == body);
  CHECK_FALSE(ground.pair.wire->second_paused);
}

TEST_CASE("tls answers: a receiver that pauses and resumes does not undo the wait for answers to be taken") {
  Unheard unheard;
  auto& [tickets, served, ground, server] = unheard;
  ground.pair.wire->to_first.capacity = 1024;
  for (int i = 0; i < 20'000; ++i) {
    ground.client.update_keys();
    if (i % 100 != 0) continue;
    server.transport().pause();
    ground.world.settle();
    server.transport().resume();
    ground.world.settle();
  }
  CHECK(server.transport().backlog() < Transport::high_water + 4 * 1024);
  ground.client.send("here still");
  server.transport().pause();
  ground.client.carrier().transport().resume();
  ground.world.settle();
  CHECK(server.heard().empty());  // its own pause holds
  server.transport().resume();
  ground.world.settle();
  CHECK(server.heard() == "here still");
}
