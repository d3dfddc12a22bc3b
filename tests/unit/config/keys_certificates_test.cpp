#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;
using postern::policy::CertificateValue;

namespace {

std::string file(const std::string& clients, const std::string& route, const std::string& upstream = "") {
  return "listeners:\n"
         "  - address: \"127.0.0.1:0\"\n"
         "    tls: { certificate: a.pem, key: a.key" +
         (clients.empty() ? std::string() : ", client_certificates: " + clients) +
         " }\n"
         "upstreams: { api: { endpoints: [\"https://127.0.0.1:1\"]" +
         upstream +
         " } }\n"
         "routes:\n"
         "  - upstream: api\n"
         "    " +
         route + "\n";
}

std::string said(const std::string& clients, const std::string& route, const std::string& upstream = "") {
  return said_of(file(clients, route, upstream));
}

const std::string usual = "{ ca: ca.pem }";
const std::string nothing = "name: all";

}  // namespace

TEST_CASE("client_certificates: the keys of a listener") {
  const auto loaded =
      load(file("{ ca: ca.pem, mode: wanted, crl: a.crl, expired_crl: accept, depth: 1, names: "
                "[a.example.com, \"*.b.example.com\"] }",
                nothing));
  REQUIRE(loaded.has_value());
  const auto& clients = loaded->listeners[0].tls->clients;
  REQUIRE(clients.has_value());
  CHECK(clients->ca_file == "ca.pem");
  CHECK(clients->crl_file == "a.crl");
  CHECK_FALSE(clients->required);
  CHECK(clients->takes_expired_lists);
  CHECK(clients->depth == 1);
  CHECK(clients->names == std::vector<std::string>{"a.example.com", "*.b.example.com"});

  const auto few = load(file(usual, nothing));
  REQUIRE(few.has_value());
  CHECK(few->listeners[0].tls->clients->required);
  CHECK(few->listeners[0].tls->clients->depth == 3);
  CHECK_FALSE(load(file("", nothing))->listeners[0].tls->clients.has_value());
}

TEST_CASE("client_certificates: mistakes") {
  CHECK(said("{ mode: required }", nothing).find("client_certificates.ca: is missing") != std::string::npos);
  CHECK(said("{ crl: a.crl }", nothing).find("client_certificates.ca: is missing") != std::string::npos);
  CHECK(
      said("{ ca: ca.pem, mode: optional }", nothing).find("mode: \"optional\" is not required or wanted") !=
      std::string::npos);
  CHECK(said("{ ca: ca.pem, expired_crl: accept }", nothing).find("expired_crl: has no effect without crl") !=
        std::string::npos);
  CHECK(said("{ ca: ca.pem, depth: 11 }", nothing).find("depth: \"11\" is out of range") !=
        std::string::npos);
  CHECK(said("{ ca: ca.pem, names: [] }", nothing).find("names: is empty") != std::string::npos);
  CHECK(said("{ ca: ca.pem, names: 192.0.2.1 }", nothing)
            .find("is an address, and clients send names only (SNI)") != std::string::npos);
}

TEST_CASE("client_certificate: the keys of a route") {
  const auto loaded = load(file(
      usual,
      "client_certificate: { mode: wanted, subjects: \"CN=alice,O=Example\", sans: [\"DNS:A.example.com\", "
      "\"URI:spiffe://e/*\", \"IP:2001:DB8::1\"], forward: { subject: X-Subject, certificate: Client-Cert } "
      "}"));
  REQUIRE(loaded.has_value());
  const auto& use = loaded->routes[0].certificate;
  REQUIRE(use.has_value());
  CHECK_FALSE(use->required);
  CHECK(use->subjects == std::vector<std::string>{"CN=alice,O=Example"});
  CHECK(use->alternative_names ==
        std::vector<std::string>{"DNS:a.example.com", "URI:spiffe://e/*", "IP:2001:db8::1"});
  const auto fields = use->forward.all();
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].value == CertificateValue::subject);
  CHECK(fields[0].header == "X-Subject");
  CHECK(fields[1].value == CertificateValue::certificate);
  CHECK(fields[1].header == "Client-Cert");

  const auto few = load(file(usual, "client_certificate: required"));
  REQUIRE(few.has_value());
  CHECK(few->routes[0].certificate->required);
  CHECK(few->routes[0].certificate->forward.all().empty());
  const auto usual_fields = load(file(usual, "client_certificate: { forward: true }"));
  REQUIRE(usual_fields.has_value());
  CHECK(usual_fields->routes[0].certificate->forward.all().size() == 4);
  CHECK_FALSE(load(file(usual, nothing))->routes[0].certificate.has_value());
}

TEST_CASE("client_certificate: mistakes") {
  const auto says = [](const std::string& route, const std::string& sentence,
                       const std::string& clients = usual) {
    const std::string all = said(clients, route);
    CAPTURE(all);
    return all.find(sentence) != std::string::npos;
  };
  CHECK(says("client_certificate: required",
             "no listener asks for client certificates; see client_certificates", ""));
  CHECK(says("client_certificate: { subjects: alice }", "is no subject: write CN=alice"));
  CHECK(says("client_certificate: { subjects: \"/O=Example/CN=alice\" }", "is no subject"));
  CHECK(says("client_certificate: { subjects: \"O=Example, CN=alice\" }", "is not in the form of RFC 2253"));
  CHECK(says("client_certificate: { sans: a.example.com }", "is no name of a certificate"));
  CHECK(says("client_certificate: { sans: \"IP:a\" }", "has no IP address behind IP:"));
  CHECK(says("client_certificate: { sans: \"DNS:a.*.example.com\" }", "has a \"*\" that is neither"));
  CHECK(says("client_certificate: { sans: \"email:*\" }", "has a \"*\" that is neither"));
  CHECK(says("client_certificate: { forward: {} }", "is empty; name what is to be sent"));
  CHECK(says("client_certificate: { forward: { subject: Content-Length } }", "forward.subject"));
  CHECK(says("client_certificate: { forward: { subject: X-A, san: x_a } }",
             "\"x_a\" carries something else already"));
  CHECK(says("client_certificate: { forward: { subject: X-Request-Id } }", "carries something else already"));
  CHECK(says("access: any\n    client_certificate: required",
             "chooses among allow, client_certificate, basic_auth, jwt and forward_auth, and the route has "
             "one of them"));
  CHECK(says("access: any\n    allow: 10.0.0.0/8\n    client_certificate: wanted",
             "any lets everybody in: client_certificate with mode: wanted passes without one"));
  CHECK(said(usual, "access: any\n    allow: 10.0.0.0/8\n    client_certificate: required").empty());
}

TEST_CASE("client_certificates: a listener that leads around them is warned of") {
  const std::string open =
      "listeners: [{ address: \":443\", tls: { certificate: a, key: b, client_certificates: { ca: c } } }, "
      "{ address: \":8080\" }]\nroutes: [{ upstream: \"http://a\"";
  CHECK(said_of(open + " }]\n")
            .find("listeners[1]: leads to every route without a client certificate, beside "
                  "listeners[0]") != std::string::npos);
  CHECK(said_of(open + ", client_certificate: required }]\n").empty());
}

TEST_CASE("upstream tls: a certificate for endpoints, and mistakes") {
  const auto loaded = load(file("", nothing, ", tls: { certificate: c.pem, key: c.key }"));
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->upstreams[0].certificate.has_value());
  CHECK(loaded->upstreams[0].certificate->certificate == "c.pem");
  CHECK(loaded->upstreams[0].certificate->key == "c.key");
  CHECK(said("", nothing, ", tls: { key: c.key }").find("tls.certificate: is missing") != std::string::npos);
  CHECK(said("", nothing, ", tls: { certificate: c.pem }").find("tls.key: is missing") != std::string::npos);
  CHECK(said_of(
            "upstreams: { b: { endpoints: [\"http://a\"], tls: { certificate: c, key: k } } }\nlisteners: [{ "
            "address: \"127.0.0.1:0\" }]\nroutes: [{ upstream: b }]\n")
            .find("tls: has no effect: no endpoint is https") != std::string::npos);
}
