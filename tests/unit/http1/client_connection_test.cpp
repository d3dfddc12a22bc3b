#include "http1/client_connection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "support/feed_every_way.h"
#include "support/memory_transport.h"
#include "support/watched_task.h"

namespace {

using namespace postern;
using namespace std::chrono_literals;
using base::Cause;
using base::Error;
using base::Stage;
using http::BodyKind;
using http::Method;
using http1::ClientConnection;
using support::ScriptedPeer;
using support::TurnFixture;

// A connection to an endpoint in memory; the test sends the endpoint's responses.
class Fixture : public ClientConnection::Owner {
 public:
  explicit Fixture(const http::MessageLimits& limits = {})
      : connection(std::in_place, turns.turn, std::move(pair.first), limits) {}

  TurnFixture turns;
  support::MemoryPair pair = support::connect_in_memory(turns);
  std::shared_ptr<support::Wire> wire = pair.wire;
  ScriptedPeer endpoint{std::move(pair.second)};
  std::optional<ClientConnection> connection;
  base::Scope scope{turns.turn};
  int idle_closed = 0;

  void on_idle_closed(ClientConnection&) override { ++idle_closed; }

  // Sends a request without a body, runs the loop, and returns the bytes that the endpoint received.
  std::string request(std::string_view method = "GET", std::string_view target = "/") {
    connection->begin_stream();
    http::RequestHead head;
    head.method = http::method_of(method);
    head.method_text = method;
    head.target = target;
    head.headers.add("Host", "a");
    connection->send(head);
    connection->request_body().end();
    turns.settle();
    return endpoint.take_heard();
  }
  void request_with_body(BodyKind kind, uint64_t length = 0) {
    connection->begin_stream();
    http::RequestHead head;
    head.method = Method::post;
    head.method_text = "POST";
    head.target = "/";
    head.body = kind;
    head.content_length = length;
    connection->send(head);
    turns.settle();
  }
  void answer(std::string_view bytes) {
    endpoint.send(bytes);
    turns.settle();
  }
  // Returns the next response, or the error; Cause::internal when there is no response yet.
  base::Result<http::ResponseHead> response() {
    if (!connection->response().filled()) return base::fail(Cause::internal, Stage::accept);
    support::WatchedTask<base::Result<int>> task(take_response(*this));
    if (taken_) return std::move(*taken_);
    return base::fail(Cause::internal, Stage::accept);
  }
  std::string body() {
    std::string text;
    while (connection->response_body().has_bytes()) {
      text += connection->response_body().take().text();
      turns.settle();
    }
    return text;
  }

 private:
  static base::Task<base::Result<int>> take_response(Fixture& fixture) {
    base::Result<http::ResponseHead> head = co_await fixture.connection->response().take(fixture.scope);
    fixture.taken_.emplace(std::move(head));
    co_return 0;
  }
  std::optional<base::Result<http::ResponseHead>> taken_;
};

}  // namespace

TEST_CASE("client connection: a request goes out, its response comes in, and the connection is used again") {
  Fixture fixture;
  for (int i = 0; i < 3; ++i) {
    const std::string target = "/" + std::to_string(i);
    CHECK(fixture.request("GET", target) == "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_FALSE(fixture.connection->response_begun());
    fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(fixture.connection->response_begun());
    const auto response = fixture.response();
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK_FALSE(fixture.connection->reusable());  // the body was not read yet
    CHECK(fixture.body() == "hello");
    CHECK(fixture.connection->response_body().at_end());
    CHECK(fixture.connection->reusable());
    CHECK(fixture.connection->reused() == (i > 0));
    fixture.connection->park(fixture);
  }
  CHECK(fixture.idle_closed == 0);
}

TEST_CASE("client connection: a response is the same however it is cut") {
  for (const std::vector<size_t>& pieces : std::vector<std::vector<size_t>>{{}, {1}, {2, 5}, {40, 1}}) {
    Fixture fixture;
    fixture.wire->to_first.pieces = pieces;
    fixture.request();
    fixture.answer(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: "
        "1\r\n\r\n");
    const auto hints = fixture.response();
    REQUIRE(hints);
    CHECK(hints->status == 103);
    const auto response = fixture.response();
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(fixture.body() == "hello world");
    REQUIRE(fixture.connection->trailers().size() == 1);
    CHECK(fixture.connection->trailers().begin()->value == "1");
    CHECK(fixture.connection->reusable());
  }
}

TEST_CASE("client connection: answers to HEAD, 204 and 304 have no body") {
  Fixture fixture;
  fixture.request("HEAD");
  fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  CHECK(fixture.response()->content_length == 500);
  CHECK(fixture.connection->response_body().at_end());
  CHECK(fixture.connection->reusable());
  fixture.request("GET");
  fixture.answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
  CHECK(fixture.response()->status == 304);
  CHECK(fixture.connection->reusable());
}

TEST_CASE("client connection: a body that lasts until the end is complete at the end") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.0 200 OK\r\n\r\npart");
  fixture.endpoint.finish();
  fixture.turns.settle();
  REQUIRE(fixture.response());
  CHECK(fixture.body() == "part");
  CHECK(fixture.connection->response_body().at_end());
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: a body that lasts until the end is cut by a reset") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.0 200 OK\r\n\r\npart");
  fixture.endpoint.reset();
  fixture.turns.settle();
  REQUIRE(fixture.response());
  REQUIRE(fixture.connection->response_body().aborted());
  CHECK(*fixture.connection->response_body().aborted() ==
        Error{Cause::upstream_closed, Stage::response_body});
}

TEST_CASE("client connection: a truncated response aborts the body, and never ends it") {
  for (std::string_view head : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(std::string(head));
      CAPTURE(reset);
      Fixture fixture;
      fixture.request();
      fixture.answer(head);
      if (reset)
        fixture.endpoint.reset();
      else
        fixture.endpoint.leave();
      fixture.turns.settle();
      REQUIRE(fixture.response());
      REQUIRE(fixture.connection->response_body().aborted());
      CHECK(*fixture.connection->response_body().aborted() ==
            Error{Cause::upstream_closed, Stage::response_body});
      CHECK_FALSE(fixture.connection->response_body().at_end());
      CHECK_FALSE(fixture.connection->reusable());
    }
  }
}

TEST_CASE("client connection: an endpoint that closes before the head is an error of the head") {
  for (std::string_view before : {"", "HTTP/1.1 20", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    Fixture fixture;
    fixture.request();
    fixture.answer(before);
    if (!before.empty() && before.size() > 20) REQUIRE(fixture.response());
    fixture.endpoint.leave();
    fixture.turns.settle();
    const auto response = fixture.response();
    REQUIRE_FALSE(response);
    CHECK(response.error() == Error{Cause::upstream_closed, Stage::response_head});
    CHECK(fixture.connection->response_begun() == !before.empty());
    CHECK_FALSE(fixture.connection->reusable());
  }
}

TEST_CASE("client connection: bytes that are no response are the endpoint's fault") {
  Fixture fixture;
  fixture.request();
  fixture.answer("SSH-2.0-OpenSSH\r\n\r\n");
  const auto response = fixture.response();
  REQUIRE_FALSE(response);
  CHECK(response.error() == Error{Cause::upstream_bad_response, Stage::response_head});
  CHECK_FALSE(fixture.connection->fault().detail.empty());
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: bytes that break a body are the endpoint's fault") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
  REQUIRE(fixture.response());
  REQUIRE(fixture.connection->response_body().aborted());
  CHECK(fixture.connection->response_body().aborted()->cause == Cause::upstream_bad_response);
}

TEST_CASE("client connection: more interim responses than the limit are refused") {
  Fixture fixture;
  fixture.request();
  std::string flood;
  for (int i = 0; i < 33; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
  fixture.answer(flood);
  for (int i = 0; i < 32; ++i) REQUIRE(fixture.response());
  const auto last = fixture.response();
  REQUIRE_FALSE(last);
  CHECK(last.error().cause == Cause::upstream_bad_response);
}

TEST_CASE("client connection: bytes beyond the response spoil the connection") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  REQUIRE(fixture.response());
  CHECK(fixture.body() == "ok");
  CHECK(fixture.connection->response_body().at_end());
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: an answer with Connection: close is the last one") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  REQUIRE(fixture.response());
  CHECK(fixture.body() == "ok");
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: one that rests is heard when its endpoint closes or speaks unasked") {
  for (const bool speaks : {false, true}) {
    Fixture fixture;
    fixture.request();
    fixture.answer("HTTP/1.1 204 No Content\r\n\r\n");
    REQUIRE(fixture.response());
    REQUIRE(fixture.connection->reusable());
    fixture.connection->park(fixture);
    if (speaks)
      fixture.answer("HTTP/1.1 408 Request Timeout\r\n\r\n");
    else
      fixture.endpoint.leave();
    fixture.turns.settle();
    CHECK(fixture.idle_closed == 1);
    CHECK_FALSE(fixture.connection->reusable());
  }
}

TEST_CASE("client connection: request bodies are framed as the head says") {
  Fixture fixture;
  fixture.request_with_body(BodyKind::length, 5);
  fixture.connection->request_body().push(base::Chunk::copy_of("hello"));
  fixture.connection->request_body().end();
  fixture.turns.settle();
  CHECK(fixture.endpoint.take_heard() == "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  fixture.answer("HTTP/1.1 204 No Content\r\n\r\n");
  REQUIRE(fixture.response());
  REQUIRE(fixture.connection->reusable());
  fixture.request_with_body(BodyKind::chunked);
  fixture.connection->request_body().push(base::Chunk::copy_of("hello"));
  fixture.turns.settle();
  CHECK(fixture.endpoint.take_heard() ==
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  fixture.connection->request_body().end();
  fixture.turns.settle();
  CHECK(fixture.endpoint.take_heard() == "0\r\n\r\n");
}

TEST_CASE("client connection: a response before the request's end makes it the last one") {
  Fixture fixture;
  fixture.request_with_body(BodyKind::length, 100);
  fixture.connection->request_body().push(base::Chunk::copy_of("first"));
  fixture.answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(fixture.response()->status == 413);
  CHECK(fixture.connection->response_body().at_end());
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: a request body that is cut is not completed") {
  Fixture fixture;
  fixture.request_with_body(BodyKind::chunked);
  fixture.connection->request_body().push(base::Chunk::copy_of("half"));
  fixture.turns.settle();
  fixture.connection->request_body().abort(Error{Cause::client_closed, Stage::request_body});
  fixture.turns.settle();
  CHECK(fixture.endpoint.heard().find("0\r\n\r\n") == std::string::npos);
  const auto response = fixture.response();
  REQUIRE_FALSE(response);
  CHECK(response.error().cause == Cause::client_closed);
  CHECK_FALSE(fixture.connection->reusable());
}

TEST_CASE("client connection: a response body that nobody reads is held back at the endpoint") {
  Fixture fixture;
  fixture.wire->to_first.capacity = 64 * 1024;
  fixture.request();
  fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  REQUIRE(fixture.response());
  CHECK(fixture.wire->first_paused);
  CHECK(fixture.connection->response_body().bytes() <= 512 * 1024);
  CHECK(fixture.endpoint.transport().backlog() > 2'000'000);
  CHECK(fixture.body().size() == 3'000'000);
  CHECK(fixture.connection->reusable());
}

TEST_CASE("client connection: a request body waits for an endpoint that does not read") {
  Fixture fixture;
  fixture.endpoint.transport().pause();
  fixture.request_with_body(BodyKind::chunked);
  size_t pushed = 0;
  base::Channel& body = fixture.connection->request_body();
  while (body.has_room() && pushed < 5'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    fixture.turns.settle();
  }
  CHECK(pushed < 1'000'000);
  body.end();
  fixture.endpoint.transport().resume();
  fixture.turns.settle();
  CHECK(fixture.endpoint.heard().size() > pushed);
  CHECK(fixture.endpoint.heard().ends_with("0\r\n\r\n"));
}

TEST_CASE("client connection: a tunnel gets the bytes that came with the 101, first") {
  for (const std::vector<size_t>& pieces : std::vector<std::vector<size_t>>{{}, {1}, {77}, {10, 3}}) {
    Fixture fixture;
    fixture.wire->to_first.pieces = pieces;
    fixture.request();
    fixture.answer(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nearly");
    fixture.answer(", later");
    REQUIRE(fixture.response());
    CHECK_FALSE(fixture.connection->reusable());
    std::unique_ptr<net::Transport> tunnel = fixture.connection->take_tunnel();
    REQUIRE(tunnel);
    CHECK(fixture.connection->take_tunnel() == nullptr);
    ScriptedPeer near(std::move(tunnel));
    fixture.turns.settle();
    CHECK(near.heard() == "early, later");
    near.send("back");
    fixture.turns.settle();
    CHECK(fixture.endpoint.heard() == "back");
  }
}

TEST_CASE(
    "client connection: an endpoint that ends right after a 101 gives the tunnel its bytes and its end") {
  Fixture fixture;
  fixture.request();
  fixture.endpoint.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nlast");
  fixture.endpoint.finish();
  fixture.turns.settle();
  REQUIRE(fixture.response());
  ScriptedPeer near(fixture.connection->take_tunnel());
  fixture.turns.settle();
  CHECK(near.heard() == "last");
  CHECK(near.ended());
}

TEST_CASE("client connection: without a 101 there is no tunnel") {
  Fixture fixture;
  fixture.request();
  fixture.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(fixture.response());
  CHECK(fixture.connection->take_tunnel() == nullptr);
}
