#include "http/websocket_handshake.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace postern;

http::RequestHead request() {
  http::RequestHead head;
  head.method = http::Method::get;
  head.method_text = "GET";
  head.target = "/chat";
  head.upgrade = http::Upgrade::websocket;
  head.headers.add("Sec-WebSocket-Version", "13");
  return head;
}

http::ResponseHead response() {
  http::ResponseHead head;
  head.status = 101;
  head.opens_tunnel = true;
  return head;
}

std::string_view refusal(const http::RequestHead& head) {
  const auto checked = http::check_websocket_request(head);
  return checked ? std::string_view() : checked.error();
}

std::string_view refusal(const http::RequestHead& asked, const http::ResponseHead& head) {
  const auto checked = http::check_websocket_response(asked, head);
  return checked ? std::string_view() : checked.error();
}

}  // namespace

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

TEST_CASE("websocket handshake: in HTTP/2 it has another method") {
  http::RequestHead connect = request();
  connect.version = http::Version::http2;
  connect.method = http::Method::other;
  CHECK(refusal(connect).empty());
  connect.headers.set("Sec-WebSocket-Version", "8");
  CHECK(refusal(connect) == "Sec-WebSocket-Version is not 13");
}

TEST_CASE("websocket handshake: what its protocol finds wrong is told after the version") {
  http::RequestHead head = request();
  head.upgrade_problem = "a key that is none";
  CHECK(refusal(head) == "a key that is none");
  head.headers.remove("Sec-WebSocket-Version");
  CHECK(refusal(head) == "not exactly one Sec-WebSocket-Version");
  http::ResponseHead answer = response();
  answer.upgrade_problem = "an answer that is none";
  CHECK(refusal(request(), answer) == "an answer that is none");
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
