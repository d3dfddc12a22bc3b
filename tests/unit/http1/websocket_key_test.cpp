#include "http1/websocket_key.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace postern;
using http1::websocket_answer_problem;
using http1::websocket_key_problem;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3
constexpr std::string_view accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

http::RequestHead request() {
  http::RequestHead head;
  head.headers.add("Sec-WebSocket-Key", key);
  return head;
}

http::ResponseHead response() {
  http::ResponseHead head;
  head.status = 101;
  head.headers.add("Connection", "keep-alive, Upgrade");
  head.headers.add("Upgrade", "WebSocket");
  head.headers.add("Sec-WebSocket-Accept", accept);
  return head;
}

}  // namespace

TEST_CASE("websocket key: the accept value is that of RFC 6455") {
  CHECK(http1::websocket_accept(key) == accept);
}

TEST_CASE("websocket key: one of ours is in order, and never the same") {
  const std::string made = http1::new_websocket_key();
  http::RequestHead head;
  head.headers.add("Sec-WebSocket-Key", made);
  CHECK(websocket_key_problem(head).empty());
  CHECK(http1::new_websocket_key() != made);
}

TEST_CASE("websocket key: exactly one of 16 bytes") {
  CHECK(websocket_key_problem(request()).empty());
  http::RequestHead twice = request();
  twice.headers.add("Sec-WebSocket-Key", key);
  CHECK(websocket_key_problem(twice) == "not exactly one Sec-WebSocket-Key");
  http::RequestHead without = request();
  without.headers.remove("Sec-WebSocket-Key");
  CHECK(websocket_key_problem(without) == "not exactly one Sec-WebSocket-Key");
  for (std::string_view wrong :
       {"", "x", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25_ZQ==", "not base64 at all!"}) {
    CAPTURE(std::string(wrong));
    http::RequestHead head = request();
    head.headers.set("Sec-WebSocket-Key", wrong);
    CHECK(websocket_key_problem(head) == "Sec-WebSocket-Key is not 16 bytes in base64");
  }
}

TEST_CASE("websocket key: an answer must say upgrade, websocket and the right accept value") {
  CHECK(websocket_answer_problem(response(), accept).empty());
  http::ResponseHead other = response();
  other.headers.set("Upgrade", "h2c");
  CHECK(websocket_answer_problem(other, accept) == "Upgrade is not \"websocket\"");
  http::ResponseHead silent = response();
  silent.headers.remove("Connection");
  CHECK(websocket_answer_problem(silent, accept) == "Connection does not say \"upgrade\"");
  for (std::string_view wrong : {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=", "S3PPLMBITXAQ9KYGZZHZRBK+XOO="}) {
    http::ResponseHead head = response();
    head.headers.set("Sec-WebSocket-Accept", wrong);
    CHECK(websocket_answer_problem(head, accept) == "Sec-WebSocket-Accept does not answer the key");
  }
  http::ResponseHead twice = response();
  twice.headers.add("Sec-WebSocket-Accept", accept);
  CHECK(websocket_answer_problem(twice, accept) == "Sec-WebSocket-Accept does not answer the key");
}
