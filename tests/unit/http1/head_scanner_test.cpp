#include "http1/head_scanner.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "support/feed_every_way.h"

namespace {

using namespace postern;
using http1::HeadScanner;
using support::feed_every_way;
using Pieces = std::vector<std::string_view>;

struct Scanned {
  std::optional<std::string> head;
  std::optional<http::Fault> fault;
  std::string rest;
};

auto scanning(size_t limit, HeadScanner::Section section = HeadScanner::Section::head) {
  return [limit, section](const Pieces& pieces) {
    Scanned scanned;
    HeadScanner scanner(limit, section);
    for (const std::string_view piece : pieces) {
      base::Bytes input = base::bytes_of(piece);
      if (!scanned.head && !scanned.fault) {
        auto head = scanner.feed(input);
        if (!head)
          scanned.fault = head.error();
        else if (*head)
          scanned.head = std::string((*head)->text());
      }
      scanned.rest += base::text_of(input);
    }
    return scanned;
  };
}

void check_head(std::string_view bytes, size_t limit, std::string_view head, std::string_view rest,
                HeadScanner::Section section = HeadScanner::Section::head) {
  feed_every_way(bytes, scanning(limit, section), [&](const Scanned& scanned) {
    REQUIRE_FALSE(scanned.fault);
    REQUIRE(scanned.head);
    CHECK(*scanned.head == head);
    CHECK(scanned.rest == rest);
  });
}

void check_refused(std::string_view bytes, size_t limit, base::Cause cause, std::string_view detail,
                   HeadScanner::Section section = HeadScanner::Section::head) {
  CAPTURE(std::string(bytes));
  feed_every_way(bytes, scanning(limit, section), [&](const Scanned& scanned) {
    REQUIRE(scanned.fault);
    CHECK(scanned.fault->cause == cause);
    CHECK(scanned.fault->detail == detail);
  });
}

}  // namespace

TEST_CASE("head scanner: a head ends with its empty line, what follows is left") {
  check_head("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n", 1000, "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
             "body\r\n\r\n");
  check_head("X\r\n\r\n", 1000, "X\r\n\r\n", "");
}

TEST_CASE("head scanner: one empty line before the start line is passed over") {
  check_head("\r\nGET / HTTP/1.1\r\n\r\nrest", 1000, "GET / HTTP/1.1\r\n\r\n", "rest");
}

TEST_CASE("head scanner: a second empty line before the start line is refused") {
  check_refused("\r\n\r\nGET / HTTP/1.1\r\n\r\n", 1000, base::Cause::bad_request,
                "empty lines instead of a start line");
}

TEST_CASE("head scanner: trailers may be empty, and their first line may not be folded") {
  check_head("\r\nnext", 1000, "\r\n", "next", HeadScanner::Section::trailers);
  check_head("A: b\r\n\r\nnext", 1000, "A: b\r\n\r\n", "next", HeadScanner::Section::trailers);
  check_refused(" A: b\r\n\r\n", 1000, base::Cause::bad_request,
                "a header line begins with a space or tab (obs-fold)", HeadScanner::Section::trailers);
}

TEST_CASE("head scanner: folded lines are refused") {
  constexpr std::string_view detail = "a header line begins with a space or tab (obs-fold)";
  check_refused("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 1000, base::Cause::bad_request, detail);
  check_refused("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", 1000, base::Cause::bad_request, detail);
  check_refused("GET / HTTP/1.1\r\n A: b\r\n\r\n", 1000, base::Cause::bad_request, detail);
  check_refused("GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n", 1000, base::Cause::bad_request, detail);
}

TEST_CASE("head scanner: a bare LF is refused wherever it ends a line") {
  constexpr std::string_view detail = "a line ends with a bare LF";
  for (std::string_view bytes :
       {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\n\r\n", "\r\n\nGET / HTTP/1.1\r\n\r\n"})
    check_refused(bytes, 1000, base::Cause::bad_request, detail);
}

TEST_CASE("head scanner: a head may be as large as the limit, and not one byte larger") {
  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string head = start + std::string(100 - start.size() - 4, 'x') + "\r\n\r\n";
  REQUIRE(head.size() == 100);
  check_head(head + "rest", 100, head, "rest");
  check_head("\r\n" + head + "rest", 100, head, "rest");  // the accepted empty line is not counted
  check_refused(head + "rest", 99, base::Cause::head_too_large,
                "the header fields are larger than the limit");
  check_refused(std::string(101, 'x'), 100, base::Cause::head_too_large,
                "the header fields are larger than the limit");
}

TEST_CASE(
    "head scanner: what stands beyond the limit does not change what is said, however the bytes were cut") {
  const std::string beyond = "GET / HTTP/1.1\r\nA: " + std::string(200, 'x');
  for (const char* fault : {"\n\r\n", "\r\n y\r\n\r\n", "\r\n\r\n"}) {
    check_refused(beyond + fault, 100, base::Cause::head_too_large,
                  "the header fields are larger than the limit");
  }
}

TEST_CASE("head scanner: an unfinished head is no head yet") {
  feed_every_way("GET / HTTP/1.1\r\nHost: a\r\n\r", scanning(1000), [](const Scanned& scanned) {
    CHECK_FALSE(scanned.fault);
    CHECK_FALSE(scanned.head);
    CHECK(scanned.rest.empty());
  });
}

TEST_CASE("head scanner: it can be used for one head after another") {
  HeadScanner scanner(100);
  base::Bytes input = base::bytes_of("A\r\n\r\nB\r\nC\r\n\r\nD");
  auto first = scanner.feed(input);
  REQUIRE(first);
  REQUIRE(*first);
  CHECK((*first)->text() == "A\r\n\r\n");
  CHECK_FALSE(scanner.begun());
  auto second = scanner.feed(input);
  REQUIRE(second);
  REQUIRE(*second);
  CHECK((*second)->text() == "B\r\nC\r\n\r\n");
  auto third = scanner.feed(input);
  REQUIRE(third);
  CHECK_FALSE(*third);
  CHECK(scanner.begun());
  CHECK(input.empty());
}
