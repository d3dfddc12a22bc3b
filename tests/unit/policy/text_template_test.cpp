#include "policy/text_template.h"

#include <doctest/doctest.h>

#include "net/client_certificate.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern;
using policy::TextTemplate;

namespace {

std::string filled(std::string_view text, const policy::RequestContext& context) {
  const auto read = TextTemplate::read(text);
  REQUIRE(read.has_value());
  return read->fill(context);
}

std::string problem_of(std::string_view text) {
  const auto read = TextTemplate::read(text);
  return read ? "(none)" : read.error().sentence + '|' + read.error().unknown;
}

}  // namespace

TEST_CASE("template: each placeholder says what the request is") {
  support::JudgedRequest request("POST", "/a//b?x=%41&y");
  request.context.authority = "app.example.com:8443";
  request.context.client = *base::IpAddress::parse("2001:db8::1");
  request.context.request_id = "id-1";
  request.context.route = "shop";
  request.context.upstream = "api";
  request.context.endpoint = "http://10.0.0.1:3000";
  CHECK(filled("{client}", request.context) == "2001:db8::1");
  CHECK(filled("{host}", request.context) == "app.example.com");
  CHECK(filled("{path}", request.context) == "/a/b");
  CHECK(filled("{query}", request.context) == "x=%41&y");
  CHECK(filled("{uri}", request.context) == "/a/b?x=%41&y");
  CHECK(filled("{method} {scheme}", request.context) == "POST http");
  CHECK(filled("<{request_id}>", request.context) == "<id-1>");
  CHECK(filled("{route}/{upstream}/{endpoint}", request.context) == "shop/api/http://10.0.0.1:3000");
  CHECK(filled("{claim.sub}", request.context).empty());
  request.context.tls = true;
  CHECK(filled("{scheme}://{host}{uri}", request.context) == "https://app.example.com/a/b?x=%41&y");
}

TEST_CASE("template: what is not there is empty, and a host keeps its brackets") {
  support::JudgedRequest request("GET", "/x");
  CHECK(filled("{uri}|{query}", request.context) == "/x|");
  request.context.authority = "[::1]:8080";
  CHECK(filled("{host}", request.context) == "[::1]");
  request.context.authority = "[::1]";
  CHECK(filled("{host}", request.context) == "[::1]");
  request.context.authority = "";
  CHECK(filled("{host}", request.context).empty());
  support::JudgedRequest whole("OPTIONS", "*");
  CHECK(filled("{path}", whole.context) == "/");
}

TEST_CASE("template: what stands in the client's certificate, and nothing without one") {
  net::ClientCertificate certificate;
  certificate.subject = "CN=alice,O=Example";
  certificate.alternative_names = {"DNS:a.example", "URI:spiffe://example/a%2Cb"};
  certificate.issuer = "CN=Authority";
  certificate.serial = "0A1B";
  certificate.fingerprint = "e3b0c4";
  const std::string all =
      "{client_certificate.subject}|{client_certificate.san}|{client_certificate.issuer}|"
      "{client_certificate.serial}|{client_certificate.fingerprint}";
  support::JudgedRequest request;
  CHECK(filled(all, request.context) == "||||");
  request.context.certificate = &certificate;
  CHECK(filled(all, request.context) ==
        "CN=alice,O=Example|DNS:a.example, URI:spiffe://example/a%2Cb|CN=Authority|0A1B|e3b0c4");
  CHECK(problem_of("{client_certificate.key}") == "has an unknown placeholder|client_certificate.key");
}

TEST_CASE("template: an empty query is kept as it came") {
  support::JudgedRequest request("GET", "/x?");
  CHECK(filled("{uri}", request.context) == "/x?");
}

TEST_CASE("template: doubled braces are the characters") {
  support::JudgedRequest request;
  CHECK(filled("{{\"path\":\"{path}\"}}", request.context) == "{\"path\":\"/\"}");
  CHECK(filled("{{{{}}", request.context) == "{{}");
  CHECK(TextTemplate::read("{{}}")->fixed() == "{}");
  CHECK(TextTemplate::read("")->fixed() == "");
  CHECK_FALSE(TextTemplate::read("a{path}")->fixed().has_value());
  CHECK_FALSE(TextTemplate::read("{path}")->fixed().has_value());
}

TEST_CASE("template: mistakes are named") {
  CHECK(problem_of("{pth}") == "has an unknown placeholder|pth");
  CHECK(problem_of("{}") == "has an unknown placeholder|");
  CHECK(problem_of("{claim}") == "has an unknown placeholder|claim");
  CHECK(problem_of("{claim.}") == "has {claim.} without the claim's name|");
  CHECK(problem_of("a{path") == "has \"{\" without \"}\"; write \"{{\" for the character|");
  CHECK(problem_of("a}b") == "has \"}\" without \"{\"; write \"}}\" for the character|");
  CHECK(problem_of("a\r\nb") == "has a control character, which no field may hold|");
}

TEST_CASE("template: nothing that is filled in can end a field") {
  support::JudgedRequest request;
  request.context.request_id = "a\r\nSet-Cookie: x=1\x7f\t";
  CHECK(filled("{request_id}", request.context) == "a??Set-Cookie: x=1??");
}
