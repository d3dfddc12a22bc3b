#include "http1/request_parser.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "support/feed_every_way.h"
#include "support/parsed_messages.h"

namespace {

using namespace postern;
using http::BodyKind;
using support::feed_every_way;
using support::Parsed;
using support::ParsedMessage;

template <class Judge>
void parse_every_way(std::string_view bytes, Judge&& judge, const http::MessageLimits& limits = {}) {
  CAPTURE(std::string(bytes.substr(0, 400)));
  feed_every_way(
      bytes, [&](const support::Pieces& pieces) { return support::parse_requests(pieces, limits); }, judge);
}

// Parses the one message in `bytes`, which must be complete with nothing after it, and the same for every way
// of feeding the parser.
ParsedMessage only_request(std::string_view bytes) {
  ParsedMessage only;
  parse_every_way(bytes, [&](const Parsed& parsed) {
    INFO("detail: " << std::string(parsed.fault ? parsed.fault->detail : ""));
    REQUIRE_FALSE(parsed.refused());
    REQUIRE(parsed.messages.size() == 1);
    REQUIRE(parsed.messages[0].complete);
    CHECK(parsed.rest.empty());
    if (!only.method.empty()) CHECK(parsed.messages[0] == only);
    only = parsed.messages[0];
  });
  return only;
}

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

}  // namespace

TEST_CASE("request parser: a plain request is read") {
  const ParsedMessage request = only_request(
      "GET /path?query=1 HTTP/1.1\r\nHost: example.com:8080\r\nAccept:  */* \t\r\nX-Empty:\r\nx-Case: "
      "\xc3\xa4\r\n\r\n");
  CHECK(request.method == "GET");
  CHECK(request.target == "/path?query=1");
  CHECK(request.authority == "example.com:8080");
  CHECK(request.version == http::Version::http1_1);
  CHECK(request.body_kind == BodyKind::none);
  CHECK(request.keep_alive);
  const std::vector<std::pair<std::string, std::string>> fields{
      {"Host", "example.com:8080"}, {"Accept", "*/*"}, {"X-Empty", ""}, {"x-Case", "\xc3\xa4"}};
  CHECK(request.fields == fields);
}

TEST_CASE("request parser: a body of known length is read to its last byte") {
  const ParsedMessage request =
      only_request("POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nab");
  CHECK(request.body_kind == BodyKind::length);
  CHECK(request.content_length == 11);
  CHECK(request.body == "hello\r\n\r\nab");
}

TEST_CASE("request parser: a length of zero is no body") {
  const ParsedMessage request = only_request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  CHECK(request.body_kind == BodyKind::none);
  CHECK(request.body.empty());
}

TEST_CASE("request parser: leading zeros of a length are read as a number") {
  const ParsedMessage request =
      only_request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00004\r\n\r\nabcd");
  CHECK(request.content_length == 4);  // the forwarded field is written anew
}

TEST_CASE("request parser: a chunked body is put together, extensions and trailers aside") {
  const ParsedMessage request = only_request(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;flag;name=value\r\nhello\r\n000006;q=\"x y\"\r\n world\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n"
      "0\r\nHost: evil\r\nContent-Length: 5\r\nX-Sum: 1\r\n\r\n");
  CHECK(request.body_kind == BodyKind::chunked);
  CHECK(request.body == "hello worldabcdefghijklmnopqrstuvwxyz");
  CHECK(request.authority == "a");
  CHECK(request.fields.size() == 2);  // trailers are never added to the head
}

TEST_CASE("request parser: connection persistence follows version and fields") {
  CHECK(only_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
  CHECK_FALSE(only_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(only_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n").keep_alive);
  CHECK_FALSE(
      only_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(only_request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").keep_alive);
  CHECK(only_request("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  CHECK_FALSE(only_request("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST_CASE("request parser: HTTP/1.0 may come without Host") {
  const ParsedMessage request = only_request("GET /old HTTP/1.0\r\n\r\n");
  CHECK(request.version == http::Version::http1_0);
  CHECK(request.authority.empty());
}

TEST_CASE("request parser: the absolute form is read as path and authority") {
  const ParsedMessage request =
      only_request("GET http://One.example:81/p?q HTTP/1.1\r\nHost: one.example:81\r\n\r\n");
  CHECK(request.target == "/p?q");
  CHECK(request.authority == "One.example:81");
  CHECK(only_request("GET HTTPS://one.example HTTP/1.1\r\nHost: one.example\r\n\r\n").target == "/");
  CHECK(only_request("GET http://one.example?q=/ HTTP/1.1\r\nHost: one.example\r\n\r\n").target == "/?q=/");
  CHECK(only_request("GET http://one.example/ HTTP/1.0\r\n\r\n").authority == "one.example");
}

TEST_CASE("request parser: the asterisk form is for OPTIONS") {
  CHECK(only_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target == "*");
  CHECK(only_request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").target == "*");
  CHECK(only_request("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").target == "/");
}

TEST_CASE("request parser: one empty line before a request is forgiven") {
  CHECK(only_request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").target == "/");
}

TEST_CASE("request parser: only a body can be continued") {
  CHECK(only_request("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx")
            .expects_continue);
  CHECK_FALSE(only_request("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  CHECK_FALSE(only_request("PUT / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
                  .expects_continue);
}

TEST_CASE("request parser: an upgrade needs both fields, and no other field will do") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  CHECK(only_request(head + "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n").upgrade ==
        http::Upgrade::websocket);
  CHECK(only_request(head + "Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\n\r\n").upgrade ==
        http::Upgrade::other);
  CHECK(only_request(head + "Upgrade: websocket\r\n\r\n").upgrade == http::Upgrade::none);
  CHECK(only_request(head + "Connection: upgrade\r\n\r\n").upgrade == http::Upgrade::none);
  CHECK(only_request(head + "Proxy-Connection: upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade ==
        http::Upgrade::none);
  CHECK(only_request("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            .upgrade == http::Upgrade::none);
}

TEST_CASE("request parser: bytes after an upgrade are left alone") {
  parse_every_way(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85 frames",
      [](const Parsed& parsed) {
        REQUIRE_FALSE(parsed.refused());
        REQUIRE(parsed.messages.size() == 1);
        CHECK(parsed.messages[0].complete);
        CHECK(parsed.rest == "\x81\x85 frames");
      });
}

TEST_CASE("request parser: pipelined requests come out one after another") {
  const std::string all = support::joined({
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
      "\r\nGET /4 HTTP/1.1\r\nHost: b\r\n\r\n",
      "HEAD /5 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
  });
  parse_every_way(all, [](const Parsed& parsed) {
    REQUIRE_FALSE(parsed.refused());
    REQUIRE(parsed.messages.size() == 5);
    const std::vector<std::string> bodies{"", "abc", "de", "", "x"};
    for (size_t i = 0; i < 5; ++i) {
      CHECK(parsed.messages[i].target == "/" + std::to_string(i + 1));
      CHECK(parsed.messages[i].body == bodies[i]);
      CHECK(parsed.messages[i].complete);
    }
    CHECK(parsed.messages[3].authority == "b");
  });
}

TEST_CASE("request parser: a target may have characters beyond ASCII as they are") {
  for (const std::string target : {"/caf\xc3\xa9", "/\x80", "/a?q=\xff"})
    CHECK(only_request(get(target)).target == target);
}

TEST_CASE("request parser: any token is a method") {
  for (const std::string method : {"DELETE", "PATCH",    "PROPFIND", "REPORT", "PURGE",
                                   "TRACE",  "M-SEARCH", "LIST",     "QUERY",  "VERSION-CONTROL",
                                   "get",    "Get",      "GETX",     "G",      "FOO",
                                   "HTTP",   "PROXY",    "SOURCE",   "PRI",    "!#$%&'*+-.^_`|~0"}) {
    CAPTURE(method);
    const ParsedMessage request =
        only_request(method + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    CHECK(request.method == method);
    CHECK(request.target == "/x");
    CHECK(request.body == "hi");
  }
  const std::string longest(http::method_size_max, 'M');
  CHECK(only_request(longest + " / HTTP/1.1\r\nHost: a\r\n\r\n").method == longest);
}

TEST_CASE("request parser: a head and its target may be as large as their limits, and not larger") {
  const http::MessageLimits limits{.head_size = 300, .target_size = 100, .fields = 100, .trailer_size = 50};
  const auto cause_of = [&](std::string_view bytes) {
    std::optional<std::optional<base::Cause>> cause;
    parse_every_way(
        bytes,
        [&](const Parsed& parsed) {
          const auto seen = parsed.fault ? std::optional(parsed.fault->cause) : std::nullopt;
          if (cause) CHECK(*cause == seen);
          cause = seen;
        },
        limits);
    return *cause;
  };
  CHECK(cause_of(get("/" + std::string(99, 'x'))) == std::nullopt);
  CHECK(cause_of(get("/" + std::string(100, 'x'))) == base::Cause::target_too_long);
  CHECK(cause_of(get("/" + std::string(1000, 'x'))) == base::Cause::target_too_long);
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string padding(300 - start.size() - 4, 'x');
  CHECK(cause_of(start + padding + "\r\n\r\n") == std::nullopt);
  CHECK(cause_of(start + padding + "x\r\n\r\n") == base::Cause::head_too_large);
  CHECK(cause_of(start + std::string(2000, 'x')) == base::Cause::head_too_large);
}

TEST_CASE("request parser: there may be as many fields as the limit, and not one more") {
  const http::MessageLimits limits{.fields = 10};
  for (const int more : {9, 10}) {
    CAPTURE(more);
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < more; ++i) bytes += "X: y\r\n";
    parse_every_way(
        bytes + "\r\n",
        [&](const Parsed& parsed) {
          REQUIRE(parsed.refused() == (more == 10));
          if (more == 9) return;
          CHECK(parsed.fault->cause == base::Cause::head_too_large);
          CHECK(parsed.fault->detail == "more header fields than the limit");
        },
        limits);
  }
}

TEST_CASE("request parser: trailers may be as large as their limit, and not larger") {
  const http::MessageLimits limits{.trailer_size = 50};
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";
  const std::string fits = "X: " + std::string(43, 't') + "\r\n\r\n";
  REQUIRE(fits.size() == 50);
  parse_every_way(
      head + fits, [](const Parsed& parsed) { CHECK_FALSE(parsed.refused()); }, limits);
  parse_every_way(
      head + "x" + fits,
      [](const Parsed& parsed) {
        REQUIRE(parsed.refused());
        CHECK(parsed.fault->cause == base::Cause::head_too_large);
      },
      limits);
}

TEST_CASE("request parser: chunk extensions may not grow without end") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto refused = [&](size_t extension) {
    std::optional<bool> result;
    parse_every_way(head + "5;" + std::string(extension, 'e') + "\r\nhello\r\n0\r\n\r\n",
                    [&](const Parsed& parsed) {
                      if (result) CHECK(*result == parsed.refused());
                      result = parsed.refused();
                      if (!parsed.refused()) return;
                      CHECK(parsed.fault->cause == base::Cause::bad_request);
                      CHECK(parsed.fault->detail == "chunk extensions are larger than the limit");
                    });
    return *result;
  };
  // 16 KiB, together with the framing around the extension ("5;", CR, LF), before any data.
  CHECK_FALSE(refused(16 * 1024 - 4));
  CHECK(refused(16 * 1024 - 3));
  CHECK(refused(100'000));
}

TEST_CASE("request parser: many small chunks are no attack, many small chunks with large extensions are") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string honest = head;
  std::string greedy = head;
  for (int i = 0; i < 3000; ++i) {
    honest += "1\r\nx\r\n";
    greedy += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  }
  parse_every_way(honest + "0\r\n\r\n", [](const Parsed& parsed) {
    REQUIRE_FALSE(parsed.refused());
    CHECK(parsed.messages[0].body.size() == 3000);
  });
  parse_every_way(greedy + "0\r\n\r\n", [](const Parsed& parsed) { CHECK(parsed.refused()); });
}
