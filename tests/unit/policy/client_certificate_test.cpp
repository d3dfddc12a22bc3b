#include "policy/client_certificate.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "policy/address_rules.h"
#include "policy/any_access.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern;
using namespace postern::policy;
using base::Cause;
using support::JudgedRequest;

namespace {

net::ClientCertificate alice() {
  net::ClientCertificate certificate;
  certificate.subject = "CN=alice,OU=Build\\, Ship,O=Example";
  certificate.attributes = {"O=Example", "OU=Build\\, Ship", "CN=alice"};
  certificate.issuer = "CN=Clients,O=Example";
  certificate.alternative_names = {"DNS:a.agents.example.com", "URI:spiffe://example.org/ns/build/sa/alice"};
  certificate.serial = "0A1B";
  certificate.fingerprint = "00ff";
  certificate.der = "\x30\x01";
  return certificate;
}

bool lists(const std::vector<std::string>& subjects, const std::vector<std::string>& names) {
  return is_listed(alice(), subjects, names);
}

ClientCertificateOptions with(std::vector<CertificateField> forward, bool required = true) {
  ClientCertificateOptions options;
  options.required = required;
  options.forward = std::move(forward);
  options.route = "staff";
  return options;
}

}  // namespace

TEST_CASE("client certificate: a subject is the whole one, or one attribute of it") {
  CHECK(lists({"CN=alice,OU=Build\\, Ship,O=Example"}, {}));
  CHECK(lists({"CN=alice"}, {}));
  CHECK(lists({"CN=bob", "O=Example"}, {}));
  CHECK(lists({"OU=Build\\, Ship"}, {}));
  for (const char* other : {"CN=ali", "CN=alice2", "alice", "cn=alice", "CN=alice,O=Example", "OU=Build",
                            "Ship", "O=Example,OU=Build\\, Ship,CN=alice", ""})
    CHECK_FALSE(lists({other}, {}));
}

TEST_CASE("client certificate: names are compared whole, but for a first label and the end of a URI") {
  CHECK(lists({}, {"DNS:a.agents.example.com"}));
  CHECK(lists({}, {"DNS:*.agents.example.com"}));
  CHECK(lists({}, {"URI:spiffe://example.org/ns/build/*"}));
  CHECK(lists({"CN=bob"}, {"DNS:a.agents.example.com"}));
  for (const char* other :
       {"DNS:*.example.com", "DNS:*.com", "DNS:agents.example.com", "DNS:*.a.agents.example.com",
        "URI:spiffe://example.org/ns/build", "URI:spiffe://example.org/ns/builds/*",
        "DNS:spiffe://example.org/ns/build/*", "email:a.agents.example.com"})
    CHECK_FALSE(lists({}, {other}));
}

TEST_CASE(
    "client certificate: who shows none is refused where one is required, and passes where it is wanted") {
  JudgedRequest request;
  Verdict verdict = ClientCertificatePolicy(with({})).judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 403);
  CHECK(verdict.response().cause == Cause::client_certificate_missing);
  CHECK(verdict.response().detail == "the connection has no client certificate (route \"staff\")");

  CHECK(ClientCertificatePolicy(
            with({{CertificateValue::verified, "X-Verified"}, {CertificateValue::subject, "X-S"}}, false))
            .judge(request.context)
            .passes());
  CHECK(request.forwards("X-Verified", "NONE"));
  CHECK(request.context.forwarded_fields.size() == 1);
}

TEST_CASE("client certificate: one that is not listed is refused, also where none is required") {
  for (const bool required : {true, false}) {
    JudgedRequest request;
    const net::ClientCertificate certificate = alice();
    request.context.certificate = &certificate;
    ClientCertificateOptions options = with({{CertificateValue::subject, "X-S"}}, required);
    options.subjects = {"CN=bob"};
    Verdict verdict = ClientCertificatePolicy(options).judge(request.context);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().cause == Cause::client_certificate_refused);
    CHECK(verdict.response().detail ==
          "the certificate of CN=alice,OU=Build\\, Ship,O=Example is none of those that client_certificate "
          "lists "
          "(route \"staff\")");
    CHECK(request.context.forwarded_fields.empty());
  }
}

TEST_CASE("client certificate: the endpoint gets what is declared") {
  JudgedRequest request;
  const net::ClientCertificate certificate = alice();
  request.context.certificate = &certificate;
  CHECK(ClientCertificatePolicy(with({{CertificateValue::subject, "A"},
                                      {CertificateValue::issuer, "B"},
                                      {CertificateValue::alternative_names, "C"},
                                      {CertificateValue::serial, "D"},
                                      {CertificateValue::fingerprint, "E"},
                                      {CertificateValue::verified, "F"},
                                      {CertificateValue::certificate, "G"}}))
            .judge(request.context)
            .passes());
  CHECK(request.forwards("A", certificate.subject));
  CHECK(request.forwards("B", "CN=Clients,O=Example"));
  CHECK(request.forwards("C", "DNS:a.agents.example.com, URI:spiffe://example.org/ns/build/sa/alice"));
  CHECK(request.forwards("D", "0A1B"));
  CHECK(request.forwards("E", "00ff"));
  CHECK(request.forwards("F", "SUCCESS"));
  CHECK(request.forwards("G", ":MAE=:"));
}

TEST_CASE("client certificate: a preflight passes where the endpoint answers it") {
  JudgedRequest request("OPTIONS");
  request.with("Origin", "https://app.example.com").with("Access-Control-Request-Method", "PUT");
  CHECK(ClientCertificatePolicy(with({})).judge(request.context).passes());
  request.context.origin_checked = true;
  CHECK(ClientCertificatePolicy(with({})).judge(request.context).answers());
}

TEST_CASE("client certificate: it is one of several ways in") {
  std::vector<WayIn> ways;
  ways.push_back({std::make_unique<ClientCertificatePolicy>(with({})), nullptr});
  ways.push_back(
      {std::make_unique<AddressRulesPolicy>(AddressRulesOptions{{"10.0.0.0/8"}, {}, "staff"}), nullptr});
  const AnyAccessPolicy any(std::move(ways), "staff");
  const net::ClientCertificate certificate = alice();

  JudgedRequest shown;
  shown.context.client = base::IpAddress::parse("192.0.2.1").value();
  shown.context.certificate = &certificate;
  CHECK(any.judge(shown.context).passes());

  JudgedRequest near;
  near.context.client = base::IpAddress::parse("10.0.0.1").value();
  CHECK(any.judge(near.context).passes());

  JudgedRequest neither;
  neither.context.client = base::IpAddress::parse("192.0.2.1").value();
  Verdict verdict = any.judge(neither.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::client_certificate_missing);
}
