// Tests of client certificates in handshakes: who is asked, who is taken, and what a reload takes away.
#include "net/client_verifier.h"

#include <doctest/doctest.h>

#include <fstream>

#include "base/error.h"
#include "tls_fixture.h"

namespace {

using namespace postern::tls_fixture;
using Verifier = std::shared_ptr<const ClientVerifier>;

Verifier verifier(ClientVerifierOptions options) {
  if (options.ca_file.empty()) options.ca_file = authority().file();
  auto made = ClientVerifier::make(std::move(options));
  REQUIRE(made);
  return *made;
}

std::unique_ptr<const ServerTls> serve_asking(Verifier clients, TicketKeys& tickets) {
  auto made =
      ServerTls::make({.certificates = usual_files(), .ciphers = {}, .clients = std::move(clients)}, tickets);
  REQUIRE(made);
  return std::move(*made);
}

void show(SSL* ssl, const KeyPairFiles& files) {
  REQUIRE(SSL_use_certificate_file(ssl, files.certificate.c_str(), SSL_FILETYPE_PEM) == 1);
  REQUIRE(SSL_use_PrivateKey_file(ssl, files.key.c_str(), SSL_FILETYPE_PEM) == 1);
}

struct Handshake {
  Handshake(const ServerTls& tls, const std::string& name, const KeyPairFiles* files, int version,
            SSL_SESSION* session = nullptr)
      : raw(tls) {
    SSL_set_min_proto_version(raw.client.ssl(), version);
    SSL_set_max_proto_version(raw.client.ssl(), version);
    if (!name.empty()) raw.client.ask_for(name);
    if (files) show(raw.client.ssl(), *files);
    if (session) raw.client.resume(session);
    raw.shake_hands();
    is_good = outcome_of(raw.turns, *raw.server).has_value();
  }
  std::shared_ptr<const ClientCertificate> certificate(const Verifier& rules) const {
    return raw.server->client_certificate(*rules);
  }
  RawFixture raw;
  bool is_good = false;
};

constexpr std::array versions = {TLS1_2_VERSION, TLS1_3_VERSION};

}  // namespace

TEST_CASE("client verifier: whom to ask goes by the name") {
  const Verifier all = verifier({});
  CHECK(all->asks(""));
  CHECK(all->asks("a.example"));
  ClientVerifierOptions options;
  options.names = {"secret.example", "*.deep.example"};
  const Verifier some = verifier(options);
  for (const char* name : {"secret.example", "SECRET.Example", "secret.example.", "a.deep.example",
                           "b.a.deep.example", "A.DEEP.example."})
    CHECK(some->asks(name));
  for (const char* name : {"", ".", "example", "a.secret.example", "xsecret.example", "deep.example",
                           ".deep.example", "secret.example.."})
    CHECK_FALSE(some->asks(name));
  CHECK_FALSE(some->asks(std::string(256, 'a') + ".deep.example"));
}

TEST_CASE("client verifier: a certificate is required, or wanted, or not asked for") {
  TicketKeys tickets;
  const KeyPairFiles good = authority().issue({"client.example", "192.0.2.7"});
  CertificateAuthority stranger;
  const KeyPairFiles bad = stranger.issue({"client.example"});
  for (const int version : versions) {
    CAPTURE(version);
    for (const bool required : {true, false}) {
      CAPTURE(required);
      ClientVerifierOptions options;
      options.required = required;
      const Verifier rules = verifier(options);
      const auto tls = serve_asking(rules, tickets);
      const Handshake none(*tls, "good.example", nullptr, version);
      CHECK(none.is_good == !required);
      CHECK_FALSE((none.is_good && none.certificate(rules)));
      if (required)
        CHECK(none.raw.server->failure() ==
              "the client shows no certificate, and this listener requires one (client_certificates)");
      const Handshake wrong(*tls, "good.example", &bad, version);
      CHECK_FALSE(wrong.is_good);
      CHECK(wrong.raw.client.alert() == SSL_AD_DECRYPT_ERROR);  // both authorities have one name
      CHECK(wrong.raw.server->failure() ==
            "the client's certificate CN=client.example is refused: another authority than that in "
            "client_certificates.ca has signed it, in its name");
      const Handshake right(*tls, "good.example", &good, version);
      REQUIRE(right.is_good);
      CHECK(right.raw.server->has_asked_client());
      const auto shown = right.certificate(rules);
      REQUIRE(shown);
      CHECK(shown->subject == "CN=client.example");
      CHECK(shown->attributes == std::vector<std::string>{"CN=client.example"});
      CHECK(shown->issuer == "CN=Test CA");
      CHECK(shown->alternative_names == std::vector<std::string>{"DNS:client.example", "IP:192.0.2.7"});
      CHECK(shown->fingerprint.size() == 64);
      CHECK(shown->chain.size() == 2);
    }
    ClientVerifierOptions options;
    options.names = {"secret.example"};
    const Verifier rules = verifier(options);
    const auto tls = serve_asking(rules, tickets);
    for (const char* name : {"good.example", ""}) {
      const Handshake open(*tls, name, &good, version);
      CHECK(open.is_good);
      CHECK_FALSE(open.raw.server->has_asked_client());
      CHECK_FALSE(open.certificate(rules));
    }
    CHECK_FALSE(Handshake(*tls, "secret.example", nullptr, version).is_good);
    CHECK(Handshake(*tls, "Secret.example", &good, version).is_good);
  }
}

TEST_CASE("client verifier: a session is resumed only by the rules under which it was opened") {
  TicketKeys tickets;
  CertificateAuthority clients;
  const KeyPairFiles files = clients.issue({"client.example"});  // number 1
  const auto rules_with = [&](const std::string& crl, bool required) {
    ClientVerifierOptions options;
    options.ca_file = clients.file();
    options.crl_file = crl;
    options.required = required;
    return verifier(options);
  };
  const Verifier first = rules_with(clients.revoke({}), true);
  const auto tls = serve_asking(first, tickets);
  const auto same = serve_asking(first, tickets);
  const auto revoked = serve_asking(rules_with(clients.revoke({1}), true), tickets);
  const auto wanted = serve_asking(rules_with("", false), tickets);
  const auto required = serve_asking(rules_with("", true), tickets);
  const auto unasked = serve(usual_files(), tickets);
  for (const int version : versions) {
    CAPTURE(version);
    const Handshake opened(*tls, "good.example", &files, version);
    REQUIRE(opened.is_good);
    SSL_SESSION* session = opened.raw.client.session();
    REQUIRE(session);
    const Handshake again(*same, "good.example", &files, version, session);
    REQUIRE(again.is_good);
    CHECK(again.raw.client.resumed());
    const auto shown = again.certificate(first);
    REQUIRE(shown);
    CHECK(shown->subject == "CN=client.example");
    CHECK(shown->chain.size() == 2);

    const Handshake late(*revoked, "good.example", &files, version, session);
    CHECK_FALSE(late.is_good);
    CHECK(late.raw.client.alert() == SSL_AD_CERTIFICATE_REVOKED);

    const Handshake bare(*wanted, "good.example", nullptr, version);
    REQUIRE(bare.is_good);
    CHECK_FALSE(Handshake(*required, "good.example", nullptr, version, bare.raw.client.session()).is_good);
    const Handshake open(*unasked, "good.example", nullptr, version);
    REQUIRE(open.is_good);
    CHECK_FALSE(Handshake(*required, "good.example", nullptr, version, open.raw.client.session()).is_good);
  }
}

TEST_CASE("client verifier: what a reload takes away") {
  TicketKeys tickets;
  CertificateAuthority clients;
  const KeyPairFiles files = clients.issue({"client.example"});  // number 1
  const auto rules_with = [](const std::string& ca, const std::string& crl) {
    ClientVerifierOptions options;
    options.ca_file = ca;
    options.crl_file = crl;
    return verifier(options);
  };
  const Verifier first = rules_with(clients.file(), "");
  const auto tls = serve_asking(first, tickets);
  const Handshake opened(*tls, "good.example", &files, TLS1_3_VERSION);
  const auto shown = opened.certificate(first);
  REQUIRE(shown);
  CHECK(first->still_takes(*shown));
  CHECK(rules_with(clients.file(), clients.revoke({}))->still_takes(*shown));
  CHECK(rules_with(clients.file(), clients.revoke({2, 3}))->still_takes(*shown));
  CHECK_FALSE(rules_with(clients.file(), clients.revoke({2, 1}))->still_takes(*shown));
  CHECK_FALSE(rules_with(authority().file(), "")->still_takes(*shown));
  CHECK(rules_with(clients.file(), "")->identity() == first->identity());
  CHECK(rules_with(clients.file(), clients.revoke({}))->identity() != first->identity());
}

TEST_CASE("client verifier: files that cannot be used are named") {
  support::TemporaryFolder folder;
  const auto error_of = [](const std::string& ca, const std::string& crl) {
    ClientVerifierOptions options;
    options.ca_file = ca;
    options.crl_file = crl;
    const auto made = ClientVerifier::make(std::move(options));
    return made ? std::string() : made.error();
  };
  const std::string empty = folder.file("empty");
  std::ofstream(empty) << "nothing\n";
  const std::string broken = folder.file("broken");
  std::ofstream(broken) << "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
  CHECK(error_of(folder.file("none"), "") == folder.file("none") + " does not exist");
  CHECK(error_of(empty, "") == empty + " holds no PEM certificate");
  CHECK(error_of(broken, "") == "the certificate number 1 of " + broken + " cannot be read");
  CHECK(error_of(usual_files().front().key, "") == usual_files().front().key + " holds no PEM certificate");
  CHECK(error_of(authority().file(), empty) ==
        empty + " holds no revocation list (CRL), neither in PEM nor in DER");
  CHECK(error_of(authority().file(), authority().file()).find("holds no revocation list") !=
        std::string::npos);
}

TEST_CASE("client tls: the gateway shows its own certificate to servers that ask for one") {
  const KeyPairFiles files = authority().issue({"gateway.example"});
  TicketKeys tickets;
  const Verifier rules = verifier({});
  for (const bool has_one : {true, false}) {
    CAPTURE(has_one);
    ClientTlsOptions options{.ca_file = authority().file()};
    if (has_one) options.certificate = files;
    auto made = ClientTls::make(options);
    REQUIRE(made);
    Fixture fixture("good.example", {}, std::move(*made));
    const auto asking = serve_asking(rules, tickets);
    support::MemoryPair pair = support::connect_in_memory(fixture.turns);
    auto client =
        TlsTransport::client(fixture.turns.turn, std::move(pair.first), *fixture.trusted, "good.example");
    auto server = TlsTransport::server(fixture.turns.turn, std::move(pair.second), *asking);
    fixture.turns.settle();
    CHECK(outcome_of(fixture.turns, *server).has_value() == has_one);
    if (has_one) CHECK(server->client_certificate(*rules)->subject == "CN=gateway.example");
  }
  const KeyPairFiles other = authority().issue({"other.example"});
  const auto mixed =
      ClientTls::make({.ca_file = {}, .certificate = KeyPairFiles{files.certificate, other.key}});
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error() == "the private key " + other.key + " does not belong to " + files.certificate);
}
