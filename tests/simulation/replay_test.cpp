// Request bodies that are sent again to another endpoint, after the first endpoint failed while receiving
// them.
#include <doctest/doctest.h>

#include "proxy/replay.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

std::string yaml(std::string_view retries = "{}") {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "upstreams: { app: { endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], retries: " +
         std::string(retries) + " } }\nroutes: [{ name: all, upstream: app }]\n";
}

// Fails when this number of bytes of the body, as sent on the wire, has arrived.
Behaviour dies_after(size_t bytes) {
  return [bytes](FakeConnection& connection) {
    connection.unread += connection.peer().take_heard();
    const size_t head = connection.unread.find("\r\n\r\n");
    if (head != std::string::npos && connection.unread.size() >= head + 4 + bytes) connection.reset();
  };
}

Behaviour echoes() {
  return answers_with([](const HttpMessage& request) { return response_text(request.body); });
}

std::string with_length(std::string_view method, size_t length) {
  return std::string(method) + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

}  // namespace

TEST_CASE("replay: wherever the endpoint dies, the other one gets the whole body") {
  const std::string body = "abcdefghijklmnop";
  for (size_t at = 0; at <= body.size(); ++at) {
    for (bool chunked : {false, true}) {
      CAPTURE(at);
      CAPTURE(chunked);
      ProxyFixture proxy(yaml());
      proxy.upstream.at(3001).behaviour = dies_after(at);
      proxy.upstream.at(3002).behaviour = echoes();
      TestClient& client = proxy.connect();
      client.send(chunked ? "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                          : with_length("PUT", body.size()));
      for (size_t i = 0; i < body.size();
           i += 4) {  // the endpoint fails between two of them, or the client is done
        const std::string piece = body.substr(i, 4);
        client.send(chunked ? "4\r\n" + piece + "\r\n" : piece);
      }
      if (chunked) client.send("0\r\nX-Trailer: gone\r\n\r\n");
      const HttpMessage response = client.response();
      CHECK(response.status() == 200);
      CHECK(response.body == body);
      CHECK(proxy.log.line("exchange")["attempts"] == 2);
      CHECK(proxy.log.line("exchange")["request_bytes"] == body.size());
      CHECK(proxy.group().state().replay_bytes == 0);
    }
  }
}

TEST_CASE("replay: what the client had not sent yet follows what is sent again") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = dies_after(4);
  proxy.upstream.at(3002).behaviour = echoes();
  TestClient& client = proxy.connect();
  client.send(with_length("PUT", 8) + "half");
  proxy.advance(5s);
  CHECK(proxy.upstream.at(3002).dials == 1);
  CHECK(proxy.group().state().replay_bytes == 4);
  client.send("more");
  CHECK(client.response().body == "halfmore");
  CHECK(proxy.group().state().replay_bytes == 0);
}

TEST_CASE("replay: a body of the limit is sent again, one byte more is not") {
  for (size_t size : {size_t{65'536}, size_t{65'537}}) {
    for (bool chunked : {false, true}) {
      CAPTURE(size);
      CAPTURE(chunked);
      ProxyFixture proxy(yaml());
      proxy.upstream.at(3001).behaviour = dies_after(size);
      proxy.upstream.at(3002).behaviour = echoes();
      TestClient& client = proxy.connect();
      const std::string body(size, 'x');
      client.send(chunked ? "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                chunked_text(body, 10'000)
                          : with_length("PUT", size) + body);
      const HttpMessage response = client.response();
      CHECK(response.status() == (size == 65'536 ? 200 : 502));
      CHECK(proxy.upstream.at(3002).dials == (size == 65'536 ? 1 : 0));
      CHECK(proxy.group().state().replay_bytes == 0);
    }
  }
}

TEST_CASE("replay: an effect that may happen twice is not repeated, unless the operator says so") {
  for (bool allowed : {false, true}) {
    ProxyFixture proxy(yaml(allowed ? "{ non_idempotent: true }" : "{}"));
    proxy.upstream.at(3001).behaviour = dies_after(4);
    proxy.upstream.at(3002).behaviour = echoes();
    TestClient& client = proxy.connect();
    client.send(with_length("POST", 4) + "once");
    CHECK(client.response().status() == (allowed ? 200 : 502));
    CHECK(proxy.upstream.at(3002).dials == (allowed ? 1 : 0));
  }
}

TEST_CASE("replay: bodies are not kept where they are not to be, and not beyond the memory for all") {
  {
    ProxyFixture proxy(yaml("{ body_size: none }"));
    proxy.upstream.at(3001).behaviour = dies_after(4);
    proxy.upstream.at(3002).behaviour = echoes();
    TestClient& client = proxy.connect();
    client.send(with_length("PUT", 4) + "body");
    CHECK(client.response().status() == 502);
  }
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = dies_after(4);
  proxy.upstream.at(3002).behaviour = echoes();
  proxy.group().state().replay_bytes = proxy::Replay::kept_by_worker_max - 3;
  TestClient& client = proxy.connect();
  client.send(with_length("PUT", 4) + "body");
  CHECK(client.response().status() == 502);
  CHECK(proxy.group().state().replay_bytes == proxy::Replay::kept_by_worker_max - 3);
}

TEST_CASE("replay: nothing is kept any more when the response has begun before the body's end") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (connection.stage++ == 0) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  };
  TestClient& client = proxy.connect();
  client.send(with_length("PUT", 8) + "half");
  CHECK(proxy.group().state().replay_bytes == 0);
  client.send("more");
  CHECK(proxy.group().state().replay_bytes == 0);
}
