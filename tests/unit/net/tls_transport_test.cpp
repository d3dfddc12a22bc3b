#include "net/tls_transport.h"

#include <doctest/doctest.h>

#include <string>

#include "loop_ground.h"
#include "support/certificates.h"
#include "support/memory_transport.h"
#include "support/raw_tls_client.h"
#include "support/watched_story.h"

namespace {

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;
using base::Cause;
using support::CertificateAuthority;
using support::ScriptedPeer;
using support::World;

CertificateAuthority& authority() {
  static CertificateAuthority one;
  return one;
}

std::unique_ptr<const ServerTls> serve(const std::vector<ServerTlsOptions::Files>& files, TicketKeys& tickets,
                                       bool only_1_3 = false) {
  auto made = ServerTls::make({.certificates = files, .tls1_3_only = only_1_3, .ciphers = {}}, tickets);
  INFO("error: " << (made ? std::string() : made.error()));
  REQUIRE(made);
  return std::move(*made);
}

const std::vector<ServerTlsOptions::Files>& usual_files() {
  static const std::vector<ServerTlsOptions::Files> files{
      authority().issue({"good.example", "*.wild.example", "127.0.0.1"})};
  return files;
}

std::unique_ptr<const ClientTls> trust(const std::string& ca_file, bool insecure = false) {
  auto made = ClientTls::make({.ca_file = ca_file, .insecure = insecure});
  REQUIRE(made);
  return std::move(*made);
}

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

base::Task<base::Result<bool>> await_handshake(base::Scope& scope, TlsTransport& transport) {
  base::Result<bool> shaken = co_await transport.handshaken().take(scope);
  co_return shaken;
}

// The outcome of a handshake that is over.
base::Result<bool> outcome_of(World& world, TlsTransport& transport) {
  base::Scope scope(world.turn);
  support::WatchedStory<base::Result<bool>> story(await_handshake(scope, transport));
  REQUIRE(story.ended());
  return story.outcome();
}

// The gateway's client and server, with a wire in memory between them.
struct Ground {
  explicit Ground(const std::string& server_name = "good.example", const std::vector<size_t>& pieces = {},
                  std::unique_ptr<const ClientTls> client_tls = trust(authority().file()))
      : trusted(std::move(client_tls)) {
    wire->to_first.pieces = pieces;
    wire->to_second.pieces = pieces;
    client = TlsTransport::client(world.turn, std::move(pair.first), *trusted, server_name);
    server = TlsTransport::server(world.turn, std::move(pair.second), *served);
    world.settle();
  }
  base::Result<bool> client_outcome() { return outcome_of(world, *client); }
  base::Result<bool> server_outcome() { return outcome_of(world, *server); }

  World world;
  TicketKeys tickets;
  std::unique_ptr<const ServerTls> served = serve(usual_files(), tickets);
  std::unique_ptr<const ClientTls> trusted;
  support::MemoryPair pair = support::connect_in_memory(world);
  std::shared_ptr<support::Wire> wire = pair.wire;
  std::unique_ptr<TlsTransport> client;
  std::unique_ptr<TlsTransport> server;
};

// A server of the gateway and OpenSSL's own client.
struct RawGround {
  explicit RawGround(const ServerTls& tls) : client(std::move(pair.first)) {
    server = TlsTransport::server(world.turn, std::move(pair.second), tls);
  }
  void shake_hands() {
    client.begin();
    world.settle();
  }
  World world;
  support::MemoryPair pair = support::connect_in_memory(world);
  support::RawTlsClient client;
  std::unique_ptr<TlsTransport> server;
};

}  // namespace

TEST_CASE("tls transport: bytes go both ways, however the wire cuts them") {
  for (const std::vector<size_t>& pieces :
       std::vector<std::vector<size_t>>{{}, {1}, {5, 1}, {3, 1000, 7}, {1460}}) {
    Ground ground("good.example", pieces);
    REQUIRE(ground.client_outcome());
    REQUIRE(ground.server_outcome());
    CHECK(ground.server->server_name() == "good.example");
    ScriptedPeer client(std::move(ground.client));
    ScriptedPeer server(std::move(ground.server));
    client.send("hello ");
    client.transport().write(base::bytes_of("server"));
    ground.world.settle();
    CHECK(server.heard() == "hello server");
    server.send("hello client");
    ground.world.settle();
    CHECK(client.heard() == "hello client");
    CHECK(ground.wire->to_second.delivered > 300);  // and not in the clear
  }
}

TEST_CASE("tls transport: large amounts arrive whole in both directions at the same time") {
  Ground ground("good.example", {1460, 17, 40'000});
  ScriptedPeer client(std::move(ground.client));
  ScriptedPeer server(std::move(ground.server));
  const std::string there = pattern(2'000'000);
  const std::string back = pattern(1'500'001);
  for (size_t at = 0, size = 1; at < there.size(); at += size, size = (size * 7 + 3) % 40'000 + 1)
    client.send(std::string_view(there).substr(at, size));
  server.transport().write(base::bytes_of(back));
  ground.world.settle();
  CHECK(server.heard() == there);
  CHECK(client.heard() == back);
  CHECK(client.transport().backlog() == 0);
}

TEST_CASE("tls transport: a peer that does not read makes a backlog, one that reads again drains it") {
  Ground ground;
  ScriptedPeer client(std::move(ground.client));
  ScriptedPeer server(std::move(ground.server));
  ground.world.settle();
  client.transport().pause();
  const std::string text = pattern(2'000'000);
  for (size_t at = 0; at < text.size(); at += 20'000) server.send(std::string_view(text).substr(at, 20'000));
  ground.world.settle();
  CHECK(server.transport().backlog() > Transport::high_water);
  CHECK(server.drained() == 0);
  CHECK(client.heard().empty());
  client.transport().resume();
  ground.world.settle();
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
  Ground ground;
  ScriptedPeer server(std::move(ground.server));
  reader.transport = ground.client.get();
  ground.client->start(reader);
  const std::string text = pattern(1'000'000);
  server.send(text);
  server.finish();
  int resumes = 0;
  while (!reader.ended && resumes < 10'000) {
    const int before = reader.deliveries;
    ground.world.settle();
    CHECK(reader.deliveries <= before + 1);
    ground.client->resume();
    ++resumes;
  }
  CHECK(reader.ended);
  CHECK_FALSE(reader.broken);
  CHECK(reader.heard == text);
}

TEST_CASE("tls transport: finishing is a close_notify, the other direction goes on") {
  Ground ground;
  ScriptedPeer client(std::move(ground.client));
  ScriptedPeer server(std::move(ground.server));
  client.send("last words");
  client.finish();
  ground.world.settle();
  CHECK(server.heard() == "last words");
  CHECK(server.ended());
  CHECK_FALSE(server.broken());
  server.send("an answer");
  ground.world.settle();
  CHECK(client.heard() == "an answer");
  server.finish();
  ground.world.settle();
  CHECK(client.ended());
  CHECK_FALSE(client.broken());
}

TEST_CASE("tls transport: an end without close_notify is a truncation, not an end") {
  Ground ground;
  ScriptedPeer client(std::move(ground.client));
  ScriptedPeer server(std::move(ground.server));
  ground.world.settle();
  server.send("first part");
  ground.world.settle();
  ground.wire->to_first.end_at = ground.wire->to_first.delivered + 10;  // in the middle of the next record
  server.send("second part");
  ground.world.settle();
  CHECK(client.heard() == "first part");
  CHECK_FALSE(client.ended());
  CHECK(client.broken());
}

TEST_CASE("tls transport: a record that was changed on the way breaks the connection") {
  Ground ground;
  ScriptedPeer client(std::move(ground.client));
  std::unique_ptr<Transport> carrier = ground.server->take_carrier();
  carrier->write(base::Chunk::copy_of(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x')));
  ground.world.settle();
  CHECK(client.broken());
  CHECK(client.heard().empty());
}

TEST_CASE("tls transport: plain HTTP on a TLS port is told, and can be answered in the clear") {
  World world;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  support::MemoryPair pair = support::connect_in_memory(world);
  ScriptedPeer client(std::move(pair.first));
  auto server = TlsTransport::server(world.turn, std::move(pair.second), *served);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  world.settle();
  const auto outcome = outcome_of(world, *server);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error() == base::Error{Cause::tls_expected, base::Stage::tls_handshake});
  ScriptedPeer answering(server->take_carrier());
  answering.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  world.settle();
  CHECK(client.heard() == "HTTP/1.1 400 Bad Request\r\n\r\n");
}

TEST_CASE("tls transport: bytes that are neither TLS nor HTTP fail the handshake") {
  World world;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  support::MemoryPair pair = support::connect_in_memory(world);
  ScriptedPeer client(std::move(pair.first));
  auto server = TlsTransport::server(world.turn, std::move(pair.second), *served);
  client.send("\x01\x02\x03 nothing that anybody knows");
  world.settle();
  const auto outcome = outcome_of(world, *server);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().cause == Cause::tls_handshake_failed);
  CHECK_FALSE(server->failure().empty());
}

TEST_CASE("tls transport: a peer that leaves during the handshake fails it, on both sides") {
  World world;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  const auto trusted = trust(authority().file());
  {
    support::MemoryPair pair = support::connect_in_memory(world);
    auto server = TlsTransport::server(world.turn, std::move(pair.second), *served);
    pair.first.reset();
    world.settle();
    CHECK(outcome_of(world, *server).error().cause == Cause::tls_handshake_failed);
  }
  support::MemoryPair pair = support::connect_in_memory(world);
  auto client = TlsTransport::client(world.turn, std::move(pair.first), *trusted, "good.example");
  world.settle();
  pair.second.reset();
  world.settle();
  const auto outcome = outcome_of(world, *client);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error() == base::Error{Cause::upstream_tls_failed, base::Stage::upstream_tls});
}

TEST_CASE("tls transport: names that the certificate has are accepted") {
  for (const std::string name : {"good.example", "GOOD.example", "any.wild.example", "127.0.0.1"}) {
    CAPTURE(name);
    Ground ground(name);
    CHECK(ground.client_outcome());
    CHECK(ground.server_outcome());
  }
}

TEST_CASE("tls transport: names that the certificate does not have are refused") {
  for (const std::string name :
       {"evil.example", "good.example.evil", "wild.example", "a.b.wild.example", "127.0.0.2", "::1"}) {
    CAPTURE(name);
    Ground ground(name);
    const auto outcome = ground.client_outcome();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().cause == Cause::upstream_tls_failed);
    CHECK(ground.client->failure().find("certificate") != std::string::npos);
  }
}

TEST_CASE("tls transport: a certificate of an unknown authority is refused") {
  const CertificateAuthority other;
  Ground ground("good.example", {}, trust(other.file()));
  const auto outcome = ground.client_outcome();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().cause == Cause::upstream_tls_failed);
}

TEST_CASE("tls transport: an insecure client accepts any name and any authority") {
  const CertificateAuthority other;
  for (const std::string name : {"evil.example", "127.0.0.2"}) {
    Ground ground(name, {}, trust(other.file(), true));
    CHECK(ground.client_outcome());
  }
}

TEST_CASE("tls transport: the certificate is chosen by name, exact before wildcard before the first") {
  TicketKeys tickets;
  const auto served = serve({authority().issue({"first.example"}), authority().issue({"*.zone.example"}),
                             authority().issue({"exact.zone.example", "second.example"})},
                            tickets);
  const auto chosen = [&](const std::string& name) {
    RawGround ground(*served);
    if (!name.empty()) ground.client.ask_for(name);
    ground.shake_hands();
    REQUIRE(ground.client.connected());
    return ground.client.certificate_name();
  };
  CHECK(chosen("first.example") == "first.example");
  CHECK(chosen("second.example") == "exact.zone.example");
  CHECK(chosen("EXACT.zone.example") == "exact.zone.example");
  CHECK(chosen("other.zone.example") == "*.zone.example");
  CHECK(chosen("a.b.zone.example") == "first.example");
  CHECK(chosen("unknown.example") == "first.example");
  CHECK(chosen("") == "first.example");
}

TEST_CASE("tls transport: RSA and ECDSA stand side by side for one name") {
  TicketKeys tickets;
  const auto served = serve({authority().issue({"both.example"}, CertificateAuthority::KeyType::rsa),
                             authority().issue({"both.example"}, CertificateAuthority::KeyType::ecdsa)},
                            tickets);
  for (const bool old : {false, true}) {
    CAPTURE(old);
    const auto rsa_chosen = [&](const char* algorithms) {
      RawGround ground(*served);
      if (old) SSL_set_max_proto_version(ground.client.ssl(), TLS1_2_VERSION);
      SSL_set1_sigalgs_list(ground.client.ssl(), algorithms);
      ground.client.ask_for("both.example");
      ground.shake_hands();
      REQUIRE(ground.client.connected());
      return ground.client.certificate_is_rsa();
    };
    CHECK_FALSE(rsa_chosen("ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"));
    CHECK(rsa_chosen("RSA-PSS+SHA256:RSA+SHA256"));
  }
}

TEST_CASE("tls transport: a protocol list without http/1.1 is refused, none at all is fine") {
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  RawGround only_h2(*served);
  only_h2.client.offer_protocols("\x02h2");
  only_h2.shake_hands();
  CHECK_FALSE(only_h2.client.connected());
  CHECK(only_h2.client.failed());
  CHECK_FALSE(outcome_of(only_h2.world, *only_h2.server));
  RawGround both(*served);
  both.client.offer_protocols("\x02h2\x08http/1.1");
  both.shake_hands();
  CHECK(both.client.connected());
  CHECK(both.client.protocol() == "http/1.1");
  RawGround silent(*served);
  silent.shake_hands();
  CHECK(silent.client.connected());
  CHECK(silent.client.protocol().empty());
}

TEST_CASE("tls transport: versions before 1.2 are refused, and 1.2 where only 1.3 is served") {
  TicketKeys tickets;
  const auto usual = serve(usual_files(), tickets);
  const auto modern = serve(usual_files(), tickets, true);
  const auto connects = [](const ServerTls& tls, int version) {
    RawGround ground(tls);
    SSL_set_security_level(ground.client.ssl(), 0);
    SSL_set_min_proto_version(ground.client.ssl(), TLS1_VERSION);
    SSL_set_max_proto_version(ground.client.ssl(), version);
    ground.shake_hands();
    return ground.client.connected();
  };
  CHECK(connects(*usual, TLS1_3_VERSION));
  CHECK(connects(*usual, TLS1_2_VERSION));
  CHECK_FALSE(connects(*usual, TLS1_1_VERSION));
  CHECK(connects(*modern, TLS1_3_VERSION));
  CHECK_FALSE(connects(*modern, TLS1_2_VERSION));
}

TEST_CASE(
    "tls transport: a ticket is good at every server with the same keys, until they have rotated away") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TicketKeys tickets;
    const auto one = serve(usual_files(), tickets);
    const auto two = serve(usual_files(), tickets);
    RawGround first(*one);
    SSL_set_max_proto_version(first.client.ssl(), version);
    first.client.ask_for("good.example");
    first.shake_hands();
    first.client.send("x");
    first.world.settle();
    REQUIRE(first.client.connected());
    CHECK_FALSE(first.client.resumed());
    REQUIRE(first.client.session());
    const auto resumes = [&](const ServerTls& tls) {
      // A TLS 1.3 ticket is for one use; a copy stands in for a second one.
      const std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> copy(SSL_SESSION_dup(first.client.session()),
                                                                      SSL_SESSION_free);
      RawGround again(tls);
      SSL_set_max_proto_version(again.client.ssl(), version);
      again.client.ask_for("good.example");
      again.client.resume(copy.get());
      again.shake_hands();
      REQUIRE(again.client.connected());
      ScriptedPeer server(std::move(again.server));
      server.send("hello");
      again.world.settle();
      CHECK(again.client.heard() == "hello");
      return again.client.resumed();
    };
    CHECK(resumes(*one));
    CHECK(resumes(*two));
    tickets.rotate();
    CHECK(resumes(*two));
    tickets.rotate();
    CHECK(resumes(*one));
    tickets.rotate();
    CHECK_FALSE(resumes(*one));
    TicketKeys others;
    const auto stranger = serve(usual_files(), others);
    CHECK_FALSE(resumes(*stranger));
  }
}

TEST_CASE("tls transport: bytes that are put back are delivered first, and without new ones coming") {
  Ground ground;
  ScriptedPeer client(std::move(ground.client));
  ScriptedPeer server(std::move(ground.server));
  client.send("world");
  ground.world.settle();
  REQUIRE(server.take_heard() == "world");
  std::unique_ptr<Transport> transport = server.take_transport();
  transport->pause();
  transport->unread(base::Chunk::copy_of("hello "));
  transport->unread(base::Chunk::copy_of("again, "));
  ScriptedPeer next(std::move(transport));
  CHECK(next.heard().empty());  // never in the call itself
  ground.world.settle();
  CHECK(next.heard() == "hello again, ");
  client.send("world");
  ground.world.settle();
  CHECK(next.heard() == "hello again, world");
}

TEST_CASE("tls transport: bytes that are put back are delivered over a real socket too") {
  LoopGround ground;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  const auto trusted = trust(authority().file());
  auto ends = LoopGround::connect_ends();
  ScriptedPeer client(TlsTransport::client(ground.loop.turn(), ground.adopt(std::move(ends.first)), *trusted,
                                           "good.example"));
  ScriptedPeer server(
      TlsTransport::server(ground.loop.turn(), ground.adopt(std::move(ends.second)), *served));
  REQUIRE(ground.run_until([&] {
    client.send("x");  // dropped while the handshake is under way
    return !server.heard().empty();
  }));
  ground.run_idly();  // nothing more is coming
  std::unique_ptr<Transport> transport = server.take_transport();
  transport->pause();
  transport->unread(base::Chunk::copy_of("put back"));
  ScriptedPeer next(std::move(transport));
  CHECK(ground.run_until([&] { return next.heard() == "put back"; }));
}

TEST_CASE("tls transport: one that is dropped at any moment leaves nothing behind") {
  for (const uint64_t bytes : {0, 1, 100, 1000}) {
    World world;
    TicketKeys tickets;
    const auto served = serve(usual_files(), tickets);
    const auto trusted = trust(authority().file());
    support::MemoryPair pair = support::connect_in_memory(world);
    pair.wire->to_second.end_at = bytes;
    auto client = TlsTransport::client(world.turn, std::move(pair.first), *trusted, "good.example");
    auto server = TlsTransport::server(world.turn, std::move(pair.second), *served);
    world.settle();
    client.reset();
    server.reset();
    world.settle();
  }
}

TEST_CASE("server tls: files that cannot be used are named") {
  TicketKeys tickets;
  const auto refusal = [&](const ServerTlsOptions& options) {
    const auto made = ServerTls::make(options, tickets);
    return made ? std::string() : made.error();
  };
  const auto good = authority().issue({"a.example"});
  const auto other = authority().issue({"b.example"});
  CHECK(refusal({.certificates = {{"/nowhere/a.pem", good.key}}, .tls1_3_only = false, .ciphers = {}})
            .find("/nowhere/a.pem") != std::string::npos);
  CHECK(refusal({.certificates = {{good.certificate, "/nowhere/k.pem"}}, .tls1_3_only = false, .ciphers = {}})
            .find("/nowhere/k.pem") != std::string::npos);
  CHECK(refusal({.certificates = {{good.certificate, other.key}}, .tls1_3_only = false, .ciphers = {}})
            .find(other.key) != std::string::npos);
  CHECK(refusal({.certificates = {good}, .tls1_3_only = false, .ciphers = "NO-SUCH-CIPHER"})
            .find("NO-SUCH-CIPHER") != std::string::npos);
  CHECK(refusal({.certificates = {good}, .tls1_3_only = false, .ciphers = {}}).empty());
  CHECK_FALSE(ClientTls::make({.ca_file = "/nowhere/ca.pem", .insecure = false}));
}
