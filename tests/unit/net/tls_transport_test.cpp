#include "net/tls_transport.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "support/word_by_word.h"
#include "tls_fixture.h"

namespace {

using namespace postern::tls_fixture;

}  // namespace

TEST_CASE("tls transport: bytes go both ways, however the wire cuts them") {
  for (const std::vector<size_t>& pieces :
       std::vector<std::vector<size_t>>{{}, {1}, {5, 1}, {3, 1000, 7}, {1460}}) {
    Fixture fixture("good.example", pieces);
    REQUIRE(fixture.client_outcome());
    REQUIRE(fixture.server_outcome());
    CHECK(fixture.server->server_name() == "good.example");
    ScriptedPeer client(std::move(fixture.client));
    ScriptedPeer server(std::move(fixture.server));
    client.send("hello ");
    client.transport().write(base::bytes_of("server"));
    fixture.turns.settle();
    CHECK(server.heard() == "hello server");
    server.send("hello client");
    fixture.turns.settle();
    CHECK(client.heard() == "hello client");
    CHECK(fixture.wire->to_second.delivered > 300);  // it was encrypted
  }
}

TEST_CASE("tls transport: large amounts arrive whole in both directions at the same time") {
  Fixture fixture("good.example", {1460, 17, 40'000});
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  const std::string there = pattern(2'000'000);
  const std::string back = pattern(1'500'001);
  for (size_t at = 0, size = 1; at < there.size(); at += size, size = (size * 7 + 3) % 40'000 + 1)
    client.send(std::string_view(there).substr(at, size));
  server.transport().write(base::bytes_of(back));
  fixture.turns.settle();
  CHECK(server.heard() == there);
  CHECK(client.heard() == back);
  CHECK(client.transport().backlog() == 0);
}

TEST_CASE("tls transport: a peer that does not read makes a backlog, one that reads again drains it") {
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  fixture.turns.settle();
  client.transport().pause();
  const std::string text = pattern(2'000'000);
  for (size_t at = 0; at < text.size(); at += 20'000) server.send(std::string_view(text).substr(at, 20'000));
  fixture.turns.settle();
  CHECK(server.transport().backlog() > Transport::high_water);
  CHECK(server.drained() == 0);
  CHECK(client.heard().empty());
  client.transport().resume();
  fixture.turns.settle();
  CHECK(client.heard() == text);
  CHECK(server.drained() >= 1);
  CHECK(server.transport().backlog() == 0);
}

TEST_CASE("tls transport: a receiver that pauses in its call loses nothing") {
  struct Reluctant final : Transport::Receiver {
    void on_bytes(base::Bytes bytes) override {
      heard += base::text_of(bytes);
      ++deliveries;
      transport->pause();
    }
    void on_drained() override {}
    void on_end() override { ended = true; }
    void on_closed(base::Error) override { broken = true; }
    Transport* transport = nullptr;
    std::string heard;
    int deliveries = 0;
    bool ended = false;
    bool broken = false;
  } reader;
  Fixture fixture;
  ScriptedPeer server(std::move(fixture.server));
  reader.transport = fixture.client.get();
  fixture.client->start(reader);
  const std::string text = pattern(1'000'000);
  server.send(text);
  server.finish();
  int resumes = 0;
  while (!reader.ended && resumes < 10'000) {
    const int before = reader.deliveries;
    fixture.turns.settle();
    CHECK(reader.deliveries <= before + 1);
    fixture.client->resume();
    ++resumes;
  }
  CHECK(reader.ended);
  CHECK_FALSE(reader.broken);
  CHECK(reader.heard == text);
}

TEST_CASE("tls transport: what is put back comes before what came after it, and before the end") {
  for (const bool cut_off : {false, true}) {
    Fixture fixture;
    auto server = std::make_unique<ScriptedPeer>(std::move(fixture.server));
    support::WordByWord client(std::move(fixture.client));
    fixture.turns.settle();
    for (const std::string_view text : {"one two ", "three ", "four"}) server->send(text);
    if (!cut_off) server->finish();
    fixture.turns.settle();
    server.reset();  // cut off without a close_notify
    std::vector<std::string> heard;
    for (int resumes = 0; resumes < 10; ++resumes) {
      fixture.turns.settle();
      heard.push_back(client.words);
      client.transport->resume();
    }
    CAPTURE(client.words);
    CHECK(heard[0] == "one |");
    CHECK(client.words == std::string("one |two |three |four|") + (cut_off ? "broken" : "end"));
  }
}

TEST_CASE("tls transport: who asks is told once when the backlog is empty, the last record's too") {
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  fixture.turns.settle();
  server.transport().tell_when_sent();  // there is no backlog
  fixture.turns.settle();
  CHECK(server.sent() == 1);
  client.transport().pause();
  const std::string text = pattern(400'000);
  server.send(text);
  server.transport().tell_when_sent();
  fixture.turns.settle();
  CHECK(server.transport().backlog() > 0);
  CHECK(server.sent() == 1);
  client.transport().resume();
  fixture.turns.settle();
  CHECK(server.sent() == 2);
  CHECK(client.heard() == text);
}

TEST_CASE("tls transport: finishing is a close_notify, the other direction goes on") {
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  client.send("last words");
  client.finish();
  fixture.turns.settle();
  CHECK(server.heard() == "last words");
  CHECK(server.ended());
  CHECK_FALSE(server.broken());
  server.send("an answer");
  fixture.turns.settle();
  CHECK(client.heard() == "an answer");
  server.finish();
  fixture.turns.settle();
  CHECK(client.ended());
  CHECK_FALSE(client.broken());
}

TEST_CASE("tls transport: an end without close_notify is a truncation, not an end") {
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  fixture.turns.settle();
  server.send("first part");
  fixture.turns.settle();
  fixture.wire->to_first.end_at = fixture.wire->to_first.delivered + 10;  // in the middle of the next record
  server.send("second part");
  fixture.turns.settle();
  CHECK(client.heard() == "first part");
  CHECK_FALSE(client.ended());
  CHECK(client.broken());
}

TEST_CASE("tls transport: a record that was changed on the way breaks the connection") {
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  std::unique_ptr<Transport> carrier = fixture.server->take_carrier();
  carrier->write(base::Chunk::copy_of(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x')));
  fixture.turns.settle();
  CHECK(client.broken());
  CHECK(client.heard().empty());
}

TEST_CASE("tls transport: plain HTTP on a TLS port is told, and can be answered in the clear") {
  TurnFixture turns;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  support::MemoryPair pair = support::connect_in_memory(turns);
  ScriptedPeer client(std::move(pair.first));
  auto server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turns.settle();
  const auto outcome = outcome_of(turns, *server);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error() == base::Error{Cause::tls_expected, base::Stage::tls_handshake});
  ScriptedPeer answering(server->take_carrier());
  answering.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  turns.settle();
  CHECK(client.heard() == "HTTP/1.1 400 Bad Request\r\n\r\n");
}

TEST_CASE("tls transport: bytes that are neither TLS nor HTTP fail the handshake") {
  TurnFixture turns;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  support::MemoryPair pair = support::connect_in_memory(turns);
  ScriptedPeer client(std::move(pair.first));
  auto server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
  client.send("\x01\x02\x03 nothing that anybody knows");
  turns.settle();
  const auto outcome = outcome_of(turns, *server);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().cause == Cause::tls_handshake_failed);
  CHECK_FALSE(server->failure().empty());
}

TEST_CASE("tls transport: a peer that leaves during the handshake fails it, on both sides") {
  TurnFixture turns;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  const auto trusted = trust(authority().file());
  {
    support::MemoryPair pair = support::connect_in_memory(turns);
    auto server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
    pair.first.reset();
    turns.settle();
    CHECK(outcome_of(turns, *server).error().cause == Cause::tls_handshake_failed);
  }
  support::MemoryPair pair = support::connect_in_memory(turns);
  auto client = TlsTransport::client(turns.turn, std::move(pair.first), *trusted, "good.example");
  turns.settle();
  pair.second.reset();
  turns.settle();
  const auto outcome = outcome_of(turns, *client);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error() == base::Error{Cause::upstream_tls_failed, base::Stage::upstream_tls});
}
