#include "base/error.h"
#include "net/tls_transport.h"

#include <doctest/doctest.h>
#include <fstream>

#include "tls_fixture.h"

namespace {

using namespace postern::tls_fixture;

}  // namespace

TEST_CASE("tls transport: names that the certificate has are accepted") {
  for (const std::string name : {"good.example", "GOOD.example", "any.wild.example", "127.0.0.1"}) {
    CAPTURE(name);
    Fixture fixture(name);
    CHECK(fixture.client_outcome());
    CHECK(fixture.server_outcome());
  }
}

TEST_CASE("tls transport: names that the certificate does not have are refused") {
  for (const std::string name :
       {"evil.example", "good.example.evil", "wild.example", "a.b.wild.example", "127.0.0.2", "::1"}) {
    CAPTURE(name);
    Fixture fixture(name);
    const auto outcome = fixture.client_outcome();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().cause == Cause::upstream_tls_failed);
    CHECK(fixture.client->failure().find("certificate") != std::string::npos);
  }
}

TEST_CASE("tls transport: a common name is not believed, be it the name that was asked for or another") {
  for (const std::string name : {"common.example", "other.example"}) {
    CAPTURE(name);
    TurnFixture turns;
    TicketKeys tickets;
    const auto served = serve({authority().issue_by_common_name("common.example")}, tickets);
    const auto trusted = trust(authority().file());
    support::MemoryPair pair = support::connect_in_memory(turns);
    auto client = TlsTransport::client(turns.turn, std::move(pair.first), *trusted, name);
    auto server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
    turns.settle();
    CHECK_FALSE(outcome_of(turns, *client));
    CHECK(client->failure() ==
          "certificate: it has no subjectAltName for the name that was asked for; a common name is not taken "
          "for one (RFC 9525)");
  }
}

TEST_CASE("tls transport: a certificate of an unknown authority is refused") {
  const CertificateAuthority other;
  Fixture fixture("good.example", {}, trust(other.file()));
  const auto outcome = fixture.client_outcome();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().cause == Cause::upstream_tls_failed);
}

TEST_CASE("tls transport: an insecure client accepts any name and any authority") {
  const CertificateAuthority other;
  for (const std::string name : {"evil.example", "127.0.0.2"}) {
    Fixture fixture(name, {}, trust(other.file(), true));
    CHECK(fixture.client_outcome());
  }
}

TEST_CASE("tls transport: the certificate is chosen by name, exact before wildcard before the first") {
  TicketKeys tickets;
  const auto served = serve({authority().issue({"first.example"}), authority().issue({"*.zone.example"}),
                             authority().issue({"exact.zone.example", "second.example"})},
                            tickets);
  const auto chosen = [&](const std::string& name) {
    RawFixture fixture(*served);
    if (!name.empty()) fixture.client.ask_for(name);
    fixture.shake_hands();
    REQUIRE(fixture.client.connected());
    return fixture.client.certificate_name();
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
      RawFixture fixture(*served);
      if (old) SSL_set_max_proto_version(fixture.client.ssl(), TLS1_2_VERSION);
      SSL_set1_sigalgs_list(fixture.client.ssl(), algorithms);
      fixture.client.ask_for("both.example");
      fixture.shake_hands();
      REQUIRE(fixture.client.connected());
      return fixture.client.certificate_is_rsa();
    };
    CHECK_FALSE(rsa_chosen("ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"));
    CHECK(rsa_chosen("RSA-PSS+SHA256:RSA+SHA256"));
  }
}

TEST_CASE("tls transport: a protocol list without http/1.1 is refused, none at all is fine") {
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  RawFixture only_h2(*served);
  only_h2.client.offer_protocols("\x02h2");
  only_h2.shake_hands();
  CHECK_FALSE(only_h2.client.connected());
  CHECK(only_h2.client.failed());
  CHECK_FALSE(outcome_of(only_h2.turns, *only_h2.server));
  RawFixture both(*served);
  both.client.offer_protocols("\x02h2\x08http/1.1");
  both.shake_hands();
  CHECK(both.client.connected());
  CHECK(both.client.protocol() == "http/1.1");
  RawFixture silent(*served);
  silent.shake_hands();
  CHECK(silent.client.connected());
  CHECK(silent.client.protocol().empty());
}

TEST_CASE("tls transport: versions before 1.2 are refused, and 1.2 where only 1.3 is served") {
  TicketKeys tickets;
  const auto usual = serve(usual_files(), tickets);
  const auto modern = serve(usual_files(), tickets, true);
  const auto connects = [](const ServerTls& tls, int version) {
    RawFixture fixture(tls);
    SSL_set_security_level(fixture.client.ssl(), 0);
    SSL_set_min_proto_version(fixture.client.ssl(), TLS1_VERSION);
    SSL_set_max_proto_version(fixture.client.ssl(), version);
    fixture.shake_hands();
    return fixture.client.connected();
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
    RawFixture first(*one);
    SSL_set_max_proto_version(first.client.ssl(), version);
    first.client.ask_for("good.example");
    first.shake_hands();
    first.client.send("x");
    first.turns.settle();
    REQUIRE(first.client.connected());
    CHECK_FALSE(first.client.resumed());
    REQUIRE(first.client.session());
    const auto resumes = [&](const ServerTls& tls) {
      // A TLS 1.3 ticket is for one use; a copy allows a second use.
      const std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> copy(SSL_SESSION_dup(first.client.session()),
                                                                      SSL_SESSION_free);
      RawFixture again(tls);
      SSL_set_max_proto_version(again.client.ssl(), version);
      again.client.ask_for("good.example");
      again.client.resume(copy.get());
      again.shake_hands();
      REQUIRE(again.client.connected());
      ScriptedPeer server(std::move(again.server));
      server.send("hello");
      again.turns.settle();
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
  Fixture fixture;
  ScriptedPeer client(std::move(fixture.client));
  ScriptedPeer server(std::move(fixture.server));
  client.send("world");
  fixture.turns.settle();
  REQUIRE(server.take_heard() == "world");
  std::unique_ptr<Transport> transport = server.take_transport();
  transport->pause();
  transport->unread(base::Chunk::copy_of("hello "));
  transport->unread(base::Chunk::copy_of("again, "));
  ScriptedPeer next(std::move(transport));
  CHECK(next.heard().empty());  // never during the call itself
  fixture.turns.settle();
  CHECK(next.heard() == "hello again, ");
  client.send("world");
  fixture.turns.settle();
  CHECK(next.heard() == "hello again, world");
}

TEST_CASE("tls transport: bytes that are put back are delivered over a real socket too") {
  LoopFixture fixture;
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  const auto trusted = trust(authority().file());
  auto ends = LoopFixture::connect_ends();
  ScriptedPeer client(TlsTransport::client(fixture.loop.turn(), fixture.adopt(std::move(ends.first)),
                                           *trusted, "good.example"));
  ScriptedPeer server(
      TlsTransport::server(fixture.loop.turn(), fixture.adopt(std::move(ends.second)), *served));
  REQUIRE(fixture.run_until([&] {
    client.send("x");  // dropped during the handshake
    return !server.heard().empty();
  }));
  fixture.run_idly();  // nothing more arrives
  std::unique_ptr<Transport> transport = server.take_transport();
  transport->pause();
  transport->unread(base::Chunk::copy_of("put back"));
  ScriptedPeer next(std::move(transport));
  CHECK(fixture.run_until([&] { return next.heard() == "put back"; }));
}

TEST_CASE("tls transport: one that is dropped at any moment leaves nothing behind") {
  for (const uint64_t bytes : {0, 1, 100, 1000}) {
    TurnFixture turns;
    TicketKeys tickets;
    const auto served = serve(usual_files(), tickets);
    const auto trusted = trust(authority().file());
    support::MemoryPair pair = support::connect_in_memory(turns);
    pair.wire->to_second.end_at = bytes;
    auto client = TlsTransport::client(turns.turn, std::move(pair.first), *trusted, "good.example");
    auto server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
    turns.settle();
    client.reset();
    server.reset();
    turns.settle();
  }
}

TEST_CASE("certificate: an examination names every file that cannot be used, and dates that matter") {
  const auto good = authority().issue({"a.example"});
  const auto other = authority().issue({"b.example"});
  const auto now = unix_now();
  const support::TemporaryFolder folder;
  const std::string noise = folder.file("noise.pem");
  std::ofstream(noise) << "not PEM\n";
  const auto problems = [&](const std::string& certificate, const std::string& key) {
    return examine_certificate({certificate, key}, now).problems;
  };
  using Sentences = std::vector<std::string>;
  CHECK(problems(good.certificate, good.key) == Sentences{});
  CHECK(problems("/nowhere/a.pem", "/nowhere/k.pem") ==
        Sentences{"/nowhere/a.pem does not exist", "/nowhere/k.pem does not exist"});
  CHECK(problems(noise, noise) == Sentences{noise + " holds no PEM certificate",
                                            noise + " holds no PEM private key without a passphrase"});
  CHECK(problems(good.key, good.certificate) ==
        Sentences{good.key + " holds a private key and " + good.certificate +
                  " a certificate: they seem to be swapped"});
  CHECK(problems("/", good.key) == Sentences{"/ is a directory"});
  CHECK(problems(good.certificate, other.key) ==
        Sentences{"the private key " + other.key + " does not belong to " + good.certificate});

  const auto warnings = [&](int64_t at) { return examine_certificate(good, at).warnings; };
  constexpr int64_t hour = 3600, day = 24 * hour;  // valid from an hour ago until a day after that
  CHECK(warnings(now + hour) ==
        Sentences{"the certificate " + good.certificate + " expires in less than a day"});
  CHECK(warnings(now + 2 * day) ==
        Sentences{"the certificate " + good.certificate + " has expired; browsers refuse it"});
  CHECK(warnings(now - 2 * day - hour) ==
        Sentences{"the certificate " + good.certificate + " expires in 3 days",
                  "the certificate " + good.certificate + " is not valid yet"});
  CHECK(warnings(now - 30 * day) == Sentences{"the certificate " + good.certificate + " is not valid yet"});
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
