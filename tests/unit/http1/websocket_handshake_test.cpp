#include "http1/websocket_handshake.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace postern;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3
constexpr std::string_view accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

http::RequestHead request() {
  http::RequestHead head;
  head.method = http::Method::get;
  head.method_text = "GET";
  head.target = "/chat";
  head.upgrade = http::Upgrade::websocket;
  head.headers.add("Connection", "Upgrade");
  head.headers.add("Upgrade", "websocket");
  head.headers.add("Sec-WebSocket-Key", key);
  head.headers.add("Sec-WebSocket-Version", "13");
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

std::string_view refusal(const http::RequestHead& head) {
  const auto checked = http1::check_websocket_request(head);
  return checked ? std::string_view() : checked.error();
}

std::string_view refusal(const http::RequestHead& asked, const http::ResponseHead& head) {
  const auto checked = http1::check_websocket_response(asked, head);
  return checked ? std::string_view() : checked.error();
}

}  // namespace

TEST_CASE("websocket handshake: the accept value is that of RFC 6455") {
  CHECK(http1::websocket_accept(key) == accept);
}

TEST_CASE("websocket handshake: a version 13 request is accepted") { CHECK(refusal(request()).empty()); }

TEST_CASE("websocket handshake: there is one version") {
  http::RequestHead versions = request();
  versions.headers.add("Sec-WebSocket-Version", "8");
  CHECK(refusal(versions) == "not exactly one Sec-WebSocket-Version");
  http::RequestHead twice = request();
  twice.headers.add("Sec-WebSocket-Version", "13");
  CHECK(refusal(twice) == "not exactly one Sec-WebSocket-Version");
}

TEST_CASE("websocket handshake: it is a GET in HTTP/1.1") {
  http::RequestHead post = request();
  post.method = http::Method::post;
  CHECK(refusal(post) == "a WebSocket handshake is a GET in HTTP/1.1");
  http::RequestHead old = request();
  old.version = http::Version::http1_0;
  CHECK(refusal(old) == "a WebSocket handshake is a GET in HTTP/1.1");
}

TEST_CASE("websocket handshake: any version but 13 is refused") {
  for (std::string_view version : {"", "8", "12", "14", "13, 8", "013", "x"}) {
    CAPTURE(std::string(version));
    http::RequestHead head = request();
    head.headers.set("Sec-WebSocket-Version", version);
    CHECK(refusal(head) == "Sec-WebSocket-Version is not 13");
  }
  http::RequestHead without = request();
  without.headers.remove("Sec-WebSocket-Version");
  CHECK(refusal(without) == "not exactly one Sec-WebSocket-Version");
}

TEST_CASE("websocket handshake: exactly one key of 16 bytes") {
  http::RequestHead twice = request();
  twice.headers.add("Sec-WebSocket-Key", key);
  CHECK(refusal(twice) == "not exactly one Sec-WebSocket-Key");
  http::RequestHead without = request();
  without.headers.remove("Sec-WebSocket-Key");
  CHECK(refusal(without) == "not exactly one Sec-WebSocket-Key");
  for (std::string_view wrong :
       {"", "x", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25_ZQ==", "not base64 at all!"}) {
    CAPTURE(std::string(wrong));
    http::RequestHead head = request();
    head.headers.set("Sec-WebSocket-Key", wrong);
    CHECK(refusal(head) == "Sec-WebSocket-Key is not 16 bytes in base64");
  }
}

TEST_CASE("websocket handshake: a fitting answer is accepted") {
  CHECK(refusal(request(), response()).empty());
}

TEST_CASE("websocket handshake: an answer that nobody asked for is refused") {
  http::RequestHead plain = request();
  plain.upgrade = http::Upgrade::none;
  CHECK(refusal(plain, response()) == "a 101 that nobody asked for");
  plain.upgrade = http::Upgrade::other;
  CHECK(refusal(plain, response()) == "a 101 that nobody asked for");
}

TEST_CASE("websocket handshake: an answer must say upgrade, websocket and the right accept value") {
  http::ResponseHead other = response();
  other.headers.set("Upgrade", "h2c");
  CHECK(refusal(request(), other) == "Upgrade is not \"websocket\"");
  http::ResponseHead silent = response();
  silent.headers.remove("Connection");
  CHECK(refusal(request(), silent) == "Connection does not say \"upgrade\"");
  for (std::string_view wrong : {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=", "S3PPLMBITXAQ9KYGZZHZRBK+XOO="}) {
    http::ResponseHead head = response();
    head.headers.set("Sec-WebSocket-Accept", wrong);
    CHECK(refusal(request(), head) == "Sec-WebSocket-Accept does not answer the key");
  }
  http::ResponseHead twice = response();
  twice.headers.add("Sec-WebSocket-Accept", accept);
  CHECK(refusal(request(), twice) == "Sec-WebSocket-Accept does not answer the key");
}

TEST_CASE("websocket handshake: only a subprotocol that was offered may be chosen") {
  http::RequestHead asked = request();
  asked.headers.add("Sec-WebSocket-Protocol", "chat, superchat");
  asked.headers.add("Sec-WebSocket-Protocol", "third");
  for (std::string_view chosen : {"chat", "superchat", "third"}) {
    http::ResponseHead head = response();
    head.headers.add("Sec-WebSocket-Protocol", chosen);
    CHECK(refusal(asked, head).empty());
  }
  for (std::string_view chosen : {"Chat", "other", "chat, superchat"}) {
    http::ResponseHead head = response();
    head.headers.add("Sec-WebSocket-Protocol", chosen);
    CHECK(refusal(asked, head) == "a Sec-WebSocket-Protocol that was not offered");
  }
  http::ResponseHead unasked = response();
  unasked.headers.add("Sec-WebSocket-Protocol", "chat");
  CHECK(refusal(request(), unasked) == "a Sec-WebSocket-Protocol that was not offered");
  unasked.headers.add("Sec-WebSocket-Protocol", "chat");
  CHECK(refusal(asked, unasked) == "more than one Sec-WebSocket-Protocol");
}

TEST_CASE("websocket handshake: only extensions that were offered may be chosen") {
  http::RequestHead asked = request();
  asked.headers.add("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x-other");
  http::ResponseHead chosen = response();
  chosen.headers.add("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover");
  CHECK(refusal(asked, chosen).empty());
  CHECK(refusal(request(), chosen) == "a Sec-WebSocket-Extensions that was not offered");
  chosen.headers.add("Sec-WebSocket-Extensions", "x-other, x-more");
  CHECK(refusal(asked, chosen) == "a Sec-WebSocket-Extensions that was not offered");
}
