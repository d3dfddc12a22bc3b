#include "http1/excerpt.h"

#include <doctest/doctest.h>

#include <string>

#include "support/parsed_messages.h"

using namespace postern;
using namespace std::string_view_literals;
using http1::excerpt_of_body;
using http1::excerpt_of_line;
using http1::StartLine;

namespace {

// Returns the excerpt of the line in which `mark` begins.
std::string of(std::string_view head, std::string_view mark) {
  const size_t at = head.find(mark);
  REQUIRE(at != head.npos);
  return excerpt_of_line(head, at, StartLine::request);
}

std::string offending(std::string_view bytes) {
  const support::Parsed parsed = support::parse_requests({bytes});
  REQUIRE(parsed.refused());
  return parsed.fault->bytes;
}

}  // namespace

TEST_CASE("excerpt: a start line is shown up to its query") {
  CHECK(of("GET /a HTTP/9.9\r\nHost: a\r\n\r\n", "GET") == "GET /a HTTP/9.9");
  CHECK(of("GET /a?token=secret\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "\x01") == "GET /a?***\\x01");
  CHECK(of("\x05\x01\xff\\\t", "\xff") == "\\x05\\x01\\xff\\\\***");
}

TEST_CASE("excerpt: values are shown where they are about framing or addressing, and nowhere else") {
  constexpr std::string_view head =
      "GET / HTTP/1.1\r\nHost: a@b\r\nContent-Length : 5\r\nAuthorization: Bearer s\x01ret\r\nX-One: "
      "secret\r\n"
      " and folded\r\nno colon, a secret\r\nTransfer-Encoding: \x0b"
      "chunked\r\n\r\n";
  CHECK(of(head, "a@b") == "Host: ***@b");
  CHECK(of(head, "Content-Length") == "Content-Length : 5");
  CHECK(of(head, "\x01") == "Authorization:***\\x01");
  CHECK(of(head, "X-One") == "X-One:***");
  CHECK(of(head, "secret\r\n and") == "X-One:***");
  CHECK(of(head, " and") == " ***");
  CHECK(of(head, "no colon") == "***");
  CHECK(of(head, "\x0b") == "Transfer-Encoding: \\x0bchunked");
}

TEST_CASE("excerpt: line ends are shown where they are the fault") {
  CHECK(of("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "\nX") == "Host: a\\n");
  CHECK(of("GET / HTTP/1.1\r\nX: a\rTransfer-Encoding: b\r\n\r\n", "\rT") == "X:***\\r");
  CHECK(of("\n", "\n") == "\\n");
}

TEST_CASE("excerpt: it is cut at its limit") {
  const auto of_response = [](std::string_view text, size_t at) {
    return excerpt_of_line(text, at, StartLine::response);
  };
  const std::string longest(http1::excerpt_limit, 'x');
  CHECK(of_response(longest, 0) == longest);
  CHECK(of_response(longest + "y", 0) == longest + "...");
  CHECK(of_response(longest + "yz\x01", longest.size() + 2) == longest + "...\\x01");
  CHECK(of_response(std::string(100, '\0'), 0).size() == 4 * http1::excerpt_limit + 3);
  CHECK(of_response("", 0).empty());
  CHECK(of_response("abc", 100) == "abc");
}

TEST_CASE("excerpt: trailers have no start line, and a body shows four bytes") {
  CHECK(excerpt_of_line("X: secret\r\n\r\n", 0, StartLine::none) == "X:***");
  CHECK(excerpt_of_body("x\r\npassword") == "x\\r\\np");
  CHECK(excerpt_of_body("").empty());
}

TEST_CASE("excerpt: user information is hidden wherever an address may stand") {
  CHECK(of("GET http://joe:secret@a/b HTTP/1.1\r\n\r\n", "GET") == "GET http://***@a/b HTTP/1.1");
  CHECK(of("GET http://joe:sec/r@et@a/b?q HTTP/1.1\r\n\r\n", "GET") == "GET http://***@a/b?***");
  CHECK(of("CONNECT joe:secret@a:443 HTTP/1.1\r\n\r\n", "CON") == "CONNECT ***@a:443 HTTP/1.1");
  CHECK(of("GET / HTTP/1.1\r\nHost: joe:secret@a\r\n\r\n", "Host") == "Host: ***@a");
  CHECK(of("GET /a@b HTTP/1.1\r\n\r\n", "GET") == "GET /a@b HTTP/1.1");  // the "@" belongs to a path
}

TEST_CASE("excerpt: bytes of a body that were read as a request are not shown") {
  for (const std::string_view body :
       {"{\"password\":\"hunter2\"}\r\n"sv, "user=joe&password=hunter2\r\n"sv,
        "------WebKitFormBoundary\r\nContent-Disposition: hunter2\r\n\r\n"sv, "AUTH hunter2\r\n\r\n"sv}) {
    const std::string shown =
        offending("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + std::string(body) + "\r\n");
    CAPTURE(shown);
    CHECK(shown.size() <= 4 + 3 + 4);
    CHECK(shown.find("hunter2") == shown.npos);
  }
}

TEST_CASE("request parser: what is refused is shown") {
  const std::string head = "POST /?token=secret HTTP/1.1\r\nHost: a\r\n";
  CHECK(offending("GET / HTTP/1.1\r\nHost: a\r\nFoo: bar\r\n Content-Length: 38\r\n\r\n") == " ***");
  CHECK(offending(head + "Content-Length: +5\r\n\r\n") == "Content-Length: +5");
  CHECK(offending(head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n") == "Content-Length: 6");
  CHECK(offending(head + "Transfer-Encoding: gzip, chunked\r\n\r\n") == "Transfer-Encoding: gzip, chunked");
  CHECK(offending(head + "Host: b\r\n\r\n") == "Host: a");
  CHECK(offending(head + "Cookie: id=\x01secret\r\n\r\n") == "Cookie:***\\x01");
  CHECK(offending("GET /?token=secret HTTP/1.1\r\n\r\n") == "GET /?***");
  CHECK(offending("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") == "GET /a b HTTP/1.1");
  CHECK(offending("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == "Host: a/b");
  CHECK(offending("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n") == "GET http://a/ HTTP/1.1");
  CHECK(offending(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n") == "zz\\r\\n");
  CHECK(offending(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: secret\x01\r\n\r\n") == "X:***\\x01");
}
