// Requests that are refused, byte for byte, with the sentence that the sender receives.
#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "http1/request_parser.h"
#include "support/feed_every_way.h"
#include "support/parsed_messages.h"

namespace {

using namespace postern;
using namespace std::string_view_literals;
using base::Cause;
using support::feed_every_way;
using support::Parsed;

struct Refusal {
  std::string_view bytes;
  Cause cause;
  std::string_view detail;
};

void check_refused(const Refusal& refusal) {
  CAPTURE(std::string(refusal.bytes));
  feed_every_way(
      refusal.bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
      [&](const Parsed& parsed) {
        REQUIRE(parsed.refused());
        CHECK(parsed.fault->cause == refusal.cause);
        CHECK(parsed.fault->detail == refusal.detail);
      });
}

template <size_t count>
void check_all_refused(const Refusal (&refusals)[count]) {
  for (const Refusal& refusal : refusals) check_refused(refusal);
}

constexpr std::string_view malformed = "a CR that does not end a line";
constexpr std::string_view bad_field = "a header field has characters it cannot have";
constexpr std::string_view bad_length = "Content-Length is contradictory or not a number";
constexpr std::string_view bad_coding = "a Transfer-Encoding other than \"chunked\"";
constexpr std::string_view both = "both Content-Length and Transfer-Encoding";
constexpr std::string_view folded = "a header line begins with a space or tab (obs-fold)";
constexpr std::string_view bare_lf = "a line ends with a bare LF";
constexpr std::string_view bad_target = "the target has characters that a target cannot have";
constexpr std::string_view bad_size = "a chunk's size is not a number";

}  // namespace

TEST_CASE("request parser: folded lines and bare LF are refused") {
  check_all_refused({
      {"GET / HTTP/1.1\r\nHost: a\r\nFoo: bar\r\n Content-Length: 38\r\n\r\n", Cause::bad_request, folded},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", Cause::bad_request, folded},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Cause::bad_request, folded},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", Cause::bad_request, bare_lf},
      {"GET / HTTP/1.1\nHost: a\n\n", Cause::bad_request, bare_lf},
      {"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", Cause::bad_request, bare_lf},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n", Cause::bad_request,
       bare_lf},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n",
       Cause::bad_request, folded},
      {"\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, bare_lf},
      {"\r\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "empty lines instead of a start line"},
      {"\r\n\r\r\r\n\r\nGET / HTTP/1.1\nHost: a\n\n", Cause::bad_request,
       "empty lines instead of a start line"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "empty lines instead of a start line"},
  });
}

TEST_CASE("request parser: a bare CR is no line end anywhere") {
  check_all_refused({
      {"GET / HTTP/1.1\r\nHost: a\r\nx:\rTransfer-Encoding: chunked\r\n\r\n", Cause::bad_request, malformed},
      {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", Cause::bad_request, malformed},
      {"GET / HTTP/1.1\r\nHost: a\r\n\rXGET /evil HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       malformed},
  });
}

TEST_CASE("request parser: framing that two readers could understand differently is refused") {
  check_all_refused({
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\nContent-Length: 4\r\n\r\nabcd",
       Cause::bad_request, both},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding:\r\n\r\nabcd",
       Cause::bad_request, both},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", Cause::bad_request, bad_coding},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
       Cause::bad_request, bad_coding},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Cause::bad_request,
       bad_coding},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
       Cause::bad_request, bad_coding},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Cause::bad_request,
       "Transfer-Encoding in HTTP/1.0"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", Cause::bad_request,
       bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", Cause::bad_request,
       bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4 4\r\n\r\nabcd", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", Cause::bad_request, bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", Cause::bad_request,
       bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000004\r\n\r\nabcd", Cause::bad_request,
       bad_length},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx",
       Cause::bad_request, "a WebSocket handshake with a body"},
  });
}

TEST_CASE("request parser: transfer codings that are not exactly chunked are refused") {
  for (std::string_view bytes : {
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
           "chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
           "chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
       }) {
    CAPTURE(std::string(bytes));
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          REQUIRE(parsed.refused());
          CHECK(parsed.fault->cause == Cause::bad_request);
          CHECK(parsed.messages.empty());
        });
  }
}

TEST_CASE("request parser: versions and protocols that are not HTTP/1.0 or HTTP/1.1 are refused") {
  constexpr std::string_view not_served = "the HTTP version is not served here";
  check_all_refused({
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Cause::unsupported_version, not_served},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Cause::unsupported_version, not_served},
  });
  for (std::string_view bytes :
       {"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", "OPTIONS / RTSP/1.0\r\nHost: a\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    CAPTURE(std::string(bytes));
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          CHECK(parsed.refused());
          CHECK(parsed.messages.empty());
        });
  }
}

TEST_CASE("request parser: field names have the characters of a token and at least one of them") {
  check_all_refused({
      {"GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n", Cause::bad_request, "a field without a name"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nX(): b\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa4: b\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n", Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv, Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01"
       "b\r\n\r\n",
       Cause::bad_request, bad_field},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f"
       "b\r\n\r\n",
       Cause::bad_request, bad_field},
  });
}

TEST_CASE("request parser: exactly one Host, and one that is a host") {
  check_all_refused({
      {"GET / HTTP/1.1\r\n\r\n", Cause::bad_request, "no Host field"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Cause::bad_request, "more than one Host field"},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", Cause::bad_request, "more than one Host field"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", Cause::bad_request, "an empty Host field"},
      {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Cause::bad_request,
       "the target names another host than Host"},
      {"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "the target names another host than Host"},
      {"GET http:///path HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "an absolute target without a host"},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "the target is neither a path nor an http address"},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "the target \"*\" with a method other than OPTIONS"},
  });
  for (std::string_view host : {"a@b", "a@b /x", "a, b", "a/b", "a b", "a:b", "a:70000", "[::1", "::1",
                                "a:80:80", "http://a", "a#b", "a?b", "a\\b", "[::1]x"}) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
    CAPTURE(bytes);
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          REQUIRE(parsed.refused());
          CHECK(parsed.fault->cause == Cause::bad_request);
        });
  }
}

TEST_CASE("request parser: a request line has two single spaces") {
  for (std::string_view line : {"GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET\t/ HTTP/1.1",
                                "GET /a b HTTP/1.1", "GET HTTP/1.1", "/ HTTP/1.1", "GET"}) {
    const std::string bytes = std::string(line) + "\r\nHost: a\r\n\r\n";
    CAPTURE(bytes);
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          REQUIRE(parsed.refused());
          CHECK(parsed.fault->cause == Cause::bad_request);
          CHECK(parsed.messages.empty());
        });
  }
}

TEST_CASE("request parser: what is no token is no method, and CONNECT is not served") {
  const std::string too_long = std::string(http::method_size_max + 1, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n";
  check_all_refused({
      {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, "the method is not a token"},
      {"G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, "the method is not a token"},
      {too_long, Cause::bad_request, "the method is longer than 64 bytes"},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Cause::connect_not_served, "CONNECT is not served"},
      {"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", Cause::connect_not_served, "CONNECT is not served"},
  });
}

TEST_CASE("request parser: the preface of HTTP/2 is told apart") {
  check_refused({"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Cause::unsupported_version,
                 "the client speaks HTTP/2 without asking; HTTP/1.1 is served here"});
}

TEST_CASE("request parser: another protocol's first bytes are told apart, whatever pieces they come in") {
  constexpr std::string_view proxy =
      "a PROXY protocol header, from an address that this listener does not trust with one";
  check_all_refused({
      {"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Cause::bad_request, proxy},
      {"\r\n\r\n\0\r\nQUIT\n"sv, Cause::bad_request, proxy},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, proxy},
      {"PROXY UNKNOWN\r\n\r\n", Cause::bad_request, proxy},
      {"\x16\x03\x01\x02\0\x01\0"sv, Cause::tls_unexpected, "a TLS handshake on a plain port"},
      // Begins like a signature and then differs.
      {"\r\n\r\n\0\r\nQUIt\n\r\n\r\n"sv, Cause::bad_request, "empty lines instead of a start line"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request,
       "empty lines instead of a start line"},
      {"\x16GET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, "the method is not a token"},
  });
}

TEST_CASE("request parser: control characters and spaces are no target") {
  check_all_refused({
      {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, bad_target},
      {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", Cause::bad_request, bad_target},
      {"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, Cause::bad_request, bad_target},
  });
}

TEST_CASE("request parser: chunk framing is taken literally") {
  constexpr std::string_view head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::string_view body : {"5\r\nhelloXX0\r\n\r\n", "5\rXhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
                                "0\r\n\rX\r\n\r\n", "g\r\n", "-1\r\n", "+5\r\nhello\r\n0\r\n\r\n",
                                "0x5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n",
                                "5\r\nhello0\r\n\r\n", "10000000000000000\r\n", "fffffffffffffffff\r\n"}) {
    const std::string bytes = std::string(head) + std::string(body);
    CAPTURE(bytes);
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          REQUIRE(parsed.refused());
          CHECK(parsed.fault->cause == Cause::bad_request);
          REQUIRE(parsed.messages.size() == 1);
          CHECK_FALSE(parsed.messages[0].complete);
        });
  }
  check_refused({"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", Cause::bad_request,
                 bad_size});
}

TEST_CASE("request parser: trailers keep the rules of fields") {
  check_all_refused({
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n: v\r\n\r\n", Cause::bad_request,
       "a field without a name"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA b: v\r\n\r\n",
       Cause::bad_request, bad_field},
  });
}

TEST_CASE("request parser: an expectation other than one 100-continue is refused") {
  constexpr std::string_view expectation = "an Expect other than one 100-continue";
  check_all_refused({
      {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", Cause::expectation_failed,
       expectation},
      {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\nx",
       Cause::expectation_failed, expectation},
  });
}

TEST_CASE(
    "request parser: lengths that are negative to signed readers are refused, the largest other is not") {
  check_all_refused({
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", Cause::bad_request,
       bad_length},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n",
       Cause::bad_request, "a chunk's size is beyond 63 bits"},
  });
  const Parsed length =
      support::parse_requests({"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"});
  CHECK_FALSE(length.refused());
  CHECK(length.messages.at(0).content_length == 9223372036854775807u);
  CHECK_FALSE(support::parse_requests(
                  {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n"})
                  .refused());
}

TEST_CASE("request parser: framing with tabs around is refused before anybody hears of the request") {
  for (std::string_view value : {"\tchunked", "chunked\t", " \t chunked \t"}) {
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:" + std::string(value) +
                              "\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    CAPTURE(bytes);
    feed_every_way(
        bytes, [](const support::Pieces& pieces) { return support::parse_requests(pieces); },
        [](const Parsed& parsed) {
          REQUIRE((parsed.refused() || parsed.messages.at(0).body == "x"));
          if (parsed.refused()) CHECK(parsed.messages.empty());
        });
  }
}

TEST_CASE("request parser: a field that CGI takes for the framing is refused") {
  constexpr std::string_view twin =
      "a field that CGI and its kin take for Content-Length or Transfer-Encoding";
  check_all_refused({
      {"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n", Cause::bad_request, twin},
      {"POST / HTTP/1.1\r\nHost: a\r\ntransfer_ENCODING: chunked\r\nContent-Length: 1\r\n\r\nx",
       Cause::bad_request, twin},
  });
  CHECK_FALSE(support::parse_requests({"GET / HTTP/1.1\r\nHost: a\r\nContent_Type: x\r\n\r\n"}).refused());
}
