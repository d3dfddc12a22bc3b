// Tests which alert a peer receives for a refused handshake, and what is logged.
#include <doctest/doctest.h>

#include <functional>

#include "tls_fixture.h"

#include "base/error.h"

namespace {

using namespace postern::tls_fixture;

struct Refused {
  int alert = -1;      // received by the client
  bool ended = false;  // a clean end after the alert
  std::string words;   // the text for the log
};

// The gateway's server refuses OpenSSL's client, and its owner frees it as the contract says.
Refused refuse(const ServerTls& tls, const std::function<void(SSL*)>& conduct) {
  RawFixture fixture(tls);
  SSL_set_security_level(fixture.client.ssl(), 0);
  conduct(fixture.client.ssl());
  fixture.shake_hands();
  CHECK_FALSE(outcome_of(fixture.turns, *fixture.server));
  CHECK(fixture.server->said_why());
  return {fixture.client.alert(), fixture.client.carrier().ended(), std::string(fixture.server->failure())};
}

}  // namespace

TEST_CASE("tls alerts: a refused client is sent the alert of its reason, then our end") {
  TicketKeys tickets;
  const auto usual = serve(usual_files(), tickets);
  const auto modern = serve(usual_files(), tickets, true);
  struct Case {
    const ServerTls& tls;
    std::function<void(SSL*)> conduct;
    int alert;
    std::string words;
  };
  const auto offers = [](std::string_view protocols) {
    return [protocols](SSL* ssl) {
      SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned int>(protocols.size()));
    };
  };
  const auto speaks = [](int first, int last) {
    return [=](SSL* ssl) {
      SSL_set_min_proto_version(ssl, first);
      SSL_set_max_proto_version(ssl, last);
    };
  };
  const std::vector<Case> cases{
      {*usual, offers("\x02h2"), SSL_AD_NO_APPLICATION_PROTOCOL,
       "the client offers by ALPN only what is not spoken here (h2); this listener speaks http/1.1"},
      {*usual, offers("\x02h2\x06spdy/3\x08http/1.0"), SSL_AD_NO_APPLICATION_PROTOCOL,
       "the client offers by ALPN only what is not spoken here (h2, spdy/3, http/1.0); this listener speaks "
       "http/1.1"},
      {*modern,
       offers("\x03"
              "a\nb\x01"
              "2\x01"
              "3\x01"
              "4\x01"
              "5\x01"
              "6"),
       SSL_AD_NO_APPLICATION_PROTOCOL,
       "the client offers by ALPN only what is not spoken here (a?b, 2, 3, 4, ...); this listener speaks "
       "http/1.1"},
      {*usual, speaks(TLS1_VERSION, TLS1_1_VERSION), SSL_AD_PROTOCOL_VERSION,
       "the client offers no newer version than TLS 1.1; this listener takes TLS 1.2 and newer"},
      {*usual, speaks(TLS1_VERSION, TLS1_VERSION), SSL_AD_PROTOCOL_VERSION,
       "the client offers no newer version than TLS 1.0; this listener takes TLS 1.2 and newer"},
      {*modern, speaks(TLS1_2_VERSION, TLS1_2_VERSION), SSL_AD_PROTOCOL_VERSION,
       "the client offers no newer version than TLS 1.2; this listener takes TLS 1.3 and newer"},
      {*usual,
       [](SSL* ssl) {
         SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
         SSL_set_cipher_list(ssl, "AES128-SHA:AES256-SHA");
       },
       SSL_AD_HANDSHAKE_FAILURE,
       "the client offers no cipher that this listener and its certificate take; it offers AES128-SHA, "
       "AES256-SHA"},
      {*modern, [](SSL* ssl) { SSL_set1_groups_list(ssl, "X448"); }, SSL_AD_HANDSHAKE_FAILURE,
       "the client offers no key exchange group that is used here (X25519, P-256, P-384)"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.words);
    const Refused refused = refuse(one.tls, one.conduct);
    CHECK(refused.alert == one.alert);
    CHECK(refused.ended);
    CHECK(refused.words == one.words);
  }
}

TEST_CASE("tls alerts: a client that refuses our certificate is told nothing, and the log says why it left") {
  TicketKeys tickets;
  const auto served = serve(usual_files(), tickets);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    RawFixture fixture(*served);
    SSL_set_max_proto_version(fixture.client.ssl(), version);
    SSL_set_verify(fixture.client.ssl(), SSL_VERIFY_PEER, nullptr);
    fixture.shake_hands();
    CHECK_FALSE(outcome_of(fixture.turns, *fixture.server));
    CHECK_FALSE(fixture.server->said_why());
    CHECK(
        fixture.server->failure() ==
        "the client refuses the certificate of this listener: it does not know the authority that signed it");
  }
}

TEST_CASE("tls alerts: an endpoint whose certificate is not believed is sent our alert, then our end") {
  const CertificateAuthority other;
  struct Case {
    std::string name;
    std::string ca_file;
    std::string words;  // of the endpoint's server, here another gateway
  };
  const std::string refuses =
      "the client refuses the certificate of this listener: it does not trust it, or not "
      "for the name it asked for";
  for (const Case& one : std::vector<Case>{{"good.example", other.file(), "tlsv1 alert decrypt error"},
                                           {"evil.example", authority().file(), refuses},
                                           {"127.0.0.9", authority().file(), refuses}}) {
    CAPTURE(one.name);
    Fixture fixture(one.name, {}, trust(one.ca_file));
    CHECK_FALSE(fixture.client_outcome());
    CHECK(fixture.client->said_why());
    const auto heard = fixture.server_outcome();
    REQUIRE_FALSE(heard);
    CHECK(heard.error().cause == Cause::tls_handshake_failed);
    CHECK(fixture.server->failure() == one.words);
    ScriptedPeer endpoint(fixture.server->take_carrier());
    fixture.turns.settle();
    CHECK(endpoint.ended());
  }
}
