#include "http1/response_parser.h"

#include <doctest/doctest.h>

#include <string>

#include "support/feed_every_way.h"
#include "support/parsed_messages.h"

namespace {

using namespace postern;
using namespace std::string_view_literals;
using base::Cause;
using http::BodyKind;
using http::Method;
using support::feed_every_way;
using support::Parsed;
using support::ParsedMessage;
using support::ResponseReading;

template <class Judge>
void parse_every_way(std::string_view bytes, const ResponseReading& reading, Judge&& judge) {
  CAPTURE(std::string(bytes.substr(0, 400)));
  feed_every_way(
      bytes, [&](const support::Pieces& pieces) { return support::parse_responses(pieces, reading); }, judge);
}

std::vector<ParsedMessage> responses_of(std::string_view bytes, const ResponseReading& reading = {}) {
  std::vector<ParsedMessage> messages;
  parse_every_way(bytes, reading, [&](const Parsed& parsed) {
    INFO("detail: " << std::string(parsed.fault ? parsed.fault->detail : ""));
    REQUIRE_FALSE(parsed.refused());
    if (!messages.empty()) CHECK(parsed.messages == messages);
    messages = parsed.messages;
  });
  return messages;
}

ParsedMessage only_response(std::string_view bytes, Method method = Method::get) {
  const std::vector<ParsedMessage> messages = responses_of(bytes, {.methods = {method}});
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].complete);
  return messages[0];
}

void check_refused(std::string_view bytes, std::string_view detail = {}) {
  parse_every_way(bytes, {}, [&](const Parsed& parsed) {
    REQUIRE(parsed.refused());
    if (!detail.empty()) CHECK(parsed.fault->detail == detail);
    CHECK((parsed.messages.empty() || !parsed.messages.back().complete));
  });
}

}  // namespace

TEST_CASE("response parser: a plain response is read") {
  const ParsedMessage response =
      only_response("HTTP/1.1 200 Fine enough\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello");
  CHECK(response.status == 200);
  CHECK(response.reason == "Fine enough");
  CHECK(response.body_kind == BodyKind::length);
  CHECK(response.body == "hello");
  CHECK(response.keep_alive);
  CHECK(response.fields.back() == std::pair<std::string, std::string>{"X-A", "b"});
}

TEST_CASE("response parser: a reason may be empty, or missing with its space") {
  CHECK(only_response("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").reason.empty());
  CHECK(only_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").reason.empty());
  CHECK(only_response("HTTP/1.1 599 \xc3\xa4\r\nContent-Length: 0\r\n\r\n").reason == "\xc3\xa4");
}

TEST_CASE("response parser: a chunked body is put together, its trailers are kept") {
  const ParsedMessage response = only_response(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: "
      "6\r\nVia: z\r\n\r\n");
  CHECK(response.body_kind == BodyKind::chunked);
  CHECK(response.body == "hello!");
  CHECK(response.fields.size() == 1);
  const std::vector<std::pair<std::string, std::string>> trailers{{"X-Sum", "6"}, {"Via", "z"}};
  CHECK(response.trailers == trailers);
}

TEST_CASE("response parser: a body without framing lasts until the connection ends") {
  const ParsedMessage response = only_response("HTTP/1.1 200 OK\r\n\r\nall of this\r\n\r\n");
  CHECK(response.body_kind == BodyKind::until_close);
  CHECK(response.body == "all of this\r\n\r\n");
  CHECK_FALSE(response.keep_alive);
  CHECK(only_response("HTTP/1.0 200 OK\r\n\r\n").body.empty());
}

TEST_CASE("response parser: 204, 304, 1xx and answers to HEAD have no body, whatever they say") {
  const std::string next = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const std::string head :
       {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"}) {
    const std::vector<ParsedMessage> messages = responses_of(head + next);
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].body.empty());
    CHECK(messages[1].body == "ok");
  }
  for (const std::string head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
    const std::vector<ParsedMessage> messages =
        responses_of(head + next, {.methods = {Method::head, Method::get}});
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].body.empty());
    CHECK(messages[0].keep_alive);
    CHECK(messages[1].body == "ok");
  }
}

TEST_CASE(
    "response parser: framing where there can be none is refused in interim responses, and ends a "
    "connection") {
  constexpr std::string_view announces = "an interim response that announces a body";
  check_refused("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", announces);
  check_refused("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n", announces);
  check_refused("HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n", announces);
  CHECK_FALSE(only_response("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").keep_alive);
  CHECK_FALSE(only_response("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
  CHECK(only_response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").keep_alive);
  CHECK(only_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").keep_alive);
}

TEST_CASE("response parser: white space around the framing is none of it") {
  CHECK(only_response("HTTP/1.1 200 OK\r\nTransfer-Encoding:\tchunked\t\r\n\r\n1\r\nx\r\n0\r\n\r\n").body ==
        "x");
  CHECK(only_response("HTTP/1.1 200 OK\r\nContent-Length:\t1 \t\r\n\r\nx").body == "x");
}

TEST_CASE("response parser: the length a bodiless answer announces is kept for the client") {
  const ParsedMessage head = only_response("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", Method::head);
  CHECK(head.body_kind == BodyKind::length);
  CHECK(head.content_length == 1234);
  const ParsedMessage unchanged = only_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n");
  CHECK(unchanged.content_length == 1234);
}

TEST_CASE("response parser: interim responses come before the final one") {
  const std::vector<ParsedMessage> messages = responses_of(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].status == 100);
  CHECK(messages[1].fields[0].second == "</a>");
  CHECK(messages[2].body == "x");
}

TEST_CASE("response parser: a 101 ends with its head, the rest is another protocol") {
  parse_every_way(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x02hi", {},
      [](const Parsed& parsed) {
        REQUIRE_FALSE(parsed.refused());
        REQUIRE(parsed.messages.size() == 1);
        CHECK(parsed.messages[0].status == 101);
        CHECK(parsed.messages[0].complete);
        CHECK(parsed.rest == "\x81\x02hi");
      });
}

TEST_CASE("response parser: connection persistence follows version and fields") {
  CHECK(only_response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  CHECK_FALSE(only_response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(only_response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  CHECK(only_response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  CHECK_FALSE(only_response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: close, keep-alive\r\n\r\n")
                  .keep_alive);
}

TEST_CASE("response parser: a message that was cut is told from one that is whole") {
  constexpr std::string_view cut = "the message ends before it is complete";
  check_refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", cut);
  check_refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", cut);
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", cut);
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", cut);
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0", cut);
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", cut);
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", cut);
  check_refused("HTTP/1.1 200 OK\r\nContent-Le");
}

TEST_CASE("response parser: status lines of any other form are refused") {
  for (std::string_view line : {"HTTP/1.1 2 OK"sv,
                                "HTTP/1.1 20 OK"sv,
                                "HTTP/1.1 2000 OK"sv,
                                "HTTP/1.1  200 OK"sv,
                                "HTTP/1.1 000 X"sv,
                                "HTTP/1.1 099 X"sv,
                                "HTTP/0.9 200 OK"sv,
                                "HTTP/2.0 200 OK"sv,
                                "HTTP/1.2 200 OK"sv,
                                "HTTP/1.1 200OK"sv,
                                "HTTP/1.1 20x OK"sv,
                                "HTTP/1.1 -20 OK"sv,
                                "HTTP/1.1"sv,
                                "HTTP/1.1 "sv,
                                "ICY 200 OK"sv,
                                "http/1.1 200 OK"sv,
                                "HTTP/1.1\t200 OK"sv,
                                "HTTP/1.1 200 a\0b"sv,
                                "HTTP/1.1 200 a\x01"
                                "b"sv,
                                "HTTP/1.1 200 a\x7f"sv,
                                " HTTP/1.1 200 OK"sv,
                                "hello"sv}) {
    check_refused(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
  }
}

TEST_CASE("response parser: what has more than one reading, or none, is refused") {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  constexpr std::string_view other_coding = "a Transfer-Encoding other than \"chunked\"";
  constexpr std::string_view no_number = "Content-Length is not a number";
  constexpr std::string_view bad_field = "a header field has characters it cannot have";
  constexpr std::string_view bare_cr = "a CR that does not end a line";
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Transfer-Encoding: gzip\r\n"sv, other_coding},
      {"Transfer-Encoding: chunked, gzip\r\n"sv, other_coding},
      {"Transfer-Encoding: gzip, chunked\r\n"sv, other_coding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"sv, other_coding},
      {"Transfer-Encoding:\r\n"sv, other_coding},
      {"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"sv, other_coding},
      {"Content-Length: 5\r\nContent-Length: 6\r\n"sv,
       "Content-Length says 5 and 6: where the body ends is not known"},
      {"Content-Length: 5, 6\r\n"sv, "Content-Length says 5 and 6: where the body ends is not known"},
      {"Content-Length: 5,5\r\nContent-Length: 7\r\n"sv,
       "Content-Length says 5 and 7: where the body ends is not known"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 6\r\n"sv,
       "Content-Length says 5 and 6: where the body ends is not known"},
      {"Content-Length: +5\r\n"sv, no_number},
      {"Content-Length: 0x5\r\n"sv, no_number},
      {"Content-Length: 5 5\r\n"sv, no_number},
      {"Content-Length: 99999999999999999999\r\n"sv, no_number},
      {"Content-Length: 9223372036854775808\r\n"sv, no_number},
      {"Content-Length:\r\n"sv, "Content-Length is empty"},
      {"Content-Length: ,\r\n"sv, "Content-Length is empty"},
      {"Content-Length:\r\n 5\r\n"sv, "a folded field about framing (obs-fold)"},
      {"Transfer-Encoding:\r\n chunked\r\n"sv, "a folded field about framing (obs-fold)"},
      {"Content-Length : 5\r\n"sv, "white space before the colon of a field about framing"},
      {" A: b\r\n"sv, "a header line begins with a space or tab, and there is none before it"},
      {": v\r\n"sv, "a field without a name"},
      {" : v\r\n"sv, "a header line begins with a space or tab, and there is none before it"},
      {"A b: c\r\n"sv, bad_field},
      {"A\r\n"sv, bad_field},
      {"A \r\n"sv, bad_field},
      {"A: \0\r\n"sv, bad_field},
      {"A: b\r\n \0\r\n"sv, bad_field},
      {"A: b\rc\r\n"sv, bare_cr},
      {"A\r: b\r\n"sv, bare_cr},
      {"A: b\r\r\n"sv, bare_cr},
  };
  for (const auto& [fields, detail] : cases) check_refused(head + std::string(fields) + "\r\nhello", detail);
  check_refused("\r\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 0\n\n",
                "the status line is not \"HTTP/1.1 NNN reason\"");
  check_refused("HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n");
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                "a chunk's size is not a number");
  check_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
                "a chunk's data does not end where its size says, with CRLF");
  check_refused("\x15\x03\x01\0\x02\x02\x46"sv, "the endpoint speaks TLS: write https:// in its address");
  check_refused(
      "\0\0\x12\x04\0\0\0\0\0"sv,
      "the endpoint speaks HTTP/2, or another binary protocol; endpoints are spoken to in HTTP/1.1");
}

TEST_CASE("response parser: a start line that is none is refused when it has come, not when the head has") {
  constexpr std::string_view no_status_line = "the status line is not \"HTTP/1.1 NNN reason\"";
  for (const std::string text :
       {"-ERR unknown command 'GET'\r\n", "220 mail.example ESMTP\r\n", "* OK IMAP4rev1\n", "HTTP/2 200\r\n",
        "SSH-2.0-OpenSSH_9.2p1\r\n folded\r\n\r\n", "no\r\n: no\r\n\r\n"})
    check_refused(text, no_status_line);
  // The status line is reported, whatever else is wrong.
  check_refused("no\r\nX: " + std::string(100'000, 'x'), no_status_line);
  check_refused("HTTP/1.1 099 Low\r\n", "a status below 100");
}

namespace {

struct Forgiven {
  std::string_view bytes;
  telemetry::Deviation kind;
  std::string_view shown;
};

}  // namespace

TEST_CASE("response parser: what has one reading is read, noted, and the last of its connection") {
  using enum telemetry::Deviation;
  const Forgiven cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       both_lengths, "Content-Length: 9"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       both_lengths, "Content-Length: 5"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", repeated_length,
       "Content-Length: 5"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", repeated_length, "Content-Length: 5, 5"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5,05\r\ncontent-length: 5\r\n\r\nhello", repeated_length,
       "Content-Length: 5,05"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       repeated_chunked, "Transfer-Encoding: chunked"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       repeated_chunked, "Transfer-Encoding: chunked, Chunked"},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: "
       "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       chunked_in_http_1_0, "Transfer-Encoding: chunked"},
      {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", line_feed, "HTTP/1.1 200 OK\\n"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello", line_feed, ""},
      {"HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 5\r\n\r\nhello", line_feed, "X-A:***\\n"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", line_feed, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\n\r\n", line_feed,
       "X:***\\n"},
      {"HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\n\td\r\nContent-Length: 5\r\n\r\nhello", folded_field, " ***"},
      {"HTTP/1.1 200 OK\r\nX-A:\r\n\tContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello", folded_field,
       "\\t***"},
      {"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 5\r\n\r\nhello", space_before_colon, "X-A :***"},
      {"HTTP/1.1 200 OK\r\nX-A\t \t: b\r\nContent-Length: 5\r\n\r\nhello", space_before_colon,
       "X-A\\t \\t:***"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n", padded_chunk_size,
       ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 ;a=b \t\r\nhello\r\n0 \r\n\r\n",
       padded_chunk_size, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0; \r\n\r\n", padded_chunk_size,
       ""},
  };
  for (const Forgiven& one : cases) {
    parse_every_way(one.bytes, {}, [&](const Parsed& parsed) {
      INFO("detail: " << (parsed.fault ? parsed.fault->detail : ""));
      REQUIRE_FALSE(parsed.refused());
      REQUIRE(parsed.messages.size() == 1);
      CHECK(parsed.messages[0].complete);
      CHECK(parsed.messages[0].body == "hello");
      CHECK_FALSE(parsed.messages[0].keep_alive);
      REQUIRE(parsed.deviations.size() == 1);
      CHECK(parsed.deviations[0].kind == one.kind);
      if (!one.shown.empty()) CHECK(parsed.deviations[0].bytes == one.shown);
    });
  }
}

TEST_CASE("response parser: a folded value is one line, and a length beside chunks is gone") {
  const ParsedMessage folded =
      only_response("HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nX-B: d\n\te\r\nContent-Length: 0\r\n\r\n");
  CHECK(folded.fields[0] == std::pair<std::string, std::string>{"X-A", "b    c"});
  CHECK(folded.fields[1] == std::pair<std::string, std::string>{"X-B", "d \te"});
  const ParsedMessage both =
      only_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(both.body_kind == BodyKind::chunked);
  CHECK(both.fields.size() == 1);
}

TEST_CASE("response parser: bytes behind a response with two lengths are not of it, and nobody's") {
  const std::string next = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!";
  for (const std::string_view head : {"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
                                      "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"sv}) {
    // The parser returns the extra bytes; the connection drops them, because the response was the last one.
    parse_every_way("HTTP/1.1 200 OK\r\n" + std::string(head) + next, {}, [](const Parsed& parsed) {
      REQUIRE_FALSE(parsed.messages.empty());
      CHECK(parsed.messages[0].body.empty());
      CHECK_FALSE(parsed.messages[0].keep_alive);
    });
  }
}

TEST_CASE("response parser: head and fields have limits") {
  const http::MessageLimits limits{.head_size = 200, .fields = 3};
  const auto refused = [&](const std::string& bytes) {
    std::optional<bool> result;
    parse_every_way(bytes, {.limits = limits}, [&](const Parsed& parsed) {
      if (result) CHECK(*result == parsed.refused());
      result = parsed.refused();
    });
    return *result;
  };
  const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
  const std::string padding(200 - start.size() - 4, 'x');
  CHECK_FALSE(refused(start + padding + "\r\n\r\n"));
  CHECK(refused(start + padding + "x\r\n\r\n"));
  CHECK_FALSE(refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\nC: d\r\n\r\n"));
  CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"));
}
