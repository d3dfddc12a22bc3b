#include "http1/client_connection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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
using support::World;

// A connection to an endpoint in memory whose answers a test sends by hand.
class Ground : public ClientConnection::Owner {
 public:
  explicit Ground(const http1::ParserLimits& limits = {})
      : connection(std::in_place, world.turn, std::move(pair.first), limits) {}

  World world;
  support::MemoryPair pair = support::connect_in_memory(world);
  std::shared_ptr<support::Wire> wire = pair.wire;
  ScriptedPeer endpoint{std::move(pair.second)};
  std::optional<ClientConnection> connection;
  base::Scope scope{world.turn};
  int idle_closed = 0;

  void on_idle_closed(ClientConnection&) override { ++idle_closed; }

  // Sends a request without a body and settles; the endpoint's share is what it heard.
  std::string request(std::string_view method = "GET", std::string_view target = "/") {
    connection->begin_stream();
    http::RequestHead head;
    head.method = http::method_of(method);
    head.method_text = method;
    head.target = target;
    head.headers.add("Host", "a");
    connection->send(head);
    connection->request_body().end();
    world.settle();
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
    world.settle();
  }
  void answer(std::string_view bytes) {
    endpoint.send(bytes);
    world.settle();
  }
  // The next response, or the error; what is not there yet is an internal error.
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
      world.settle();
    }
    return text;
  }

 private:
  static base::Task<base::Result<int>> take_response(Ground& ground) {
    base::Result<http::ResponseHead> head = co_await ground.connection->response().take(ground.scope);
    ground.taken_.emplace(std::move(head));
    co_return 0;
  }
  std::optional<base::Result<http::ResponseHead>> taken_;
};

}  // namespace

TEST_CASE("client connection: a request goes out, its response comes in, and the connection is used again") {
  Ground ground;
  for (int i = 0; i < 3; ++i) {
    const std::string target = "/" + std::to_string(i);
    CHECK(ground.request("GET", target) == "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_FALSE(ground.connection->response_begun());
    ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(ground.connection->response_begun());
    const auto response = ground.response();
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK_FALSE(ground.connection->reusable());  // the body has not been read yet
    CHECK(ground.body() == "hello");
    CHECK(ground.connection->response_body().at_end());
    CHECK(ground.connection->reusable());
    CHECK(ground.connection->reused() == (i > 0));
    ground.connection->park(ground);
  }
  CHECK(ground.idle_closed == 0);
}

TEST_CASE("client connection: a response is the same however it is cut") {
  for (const std::vector<size_t>& pieces : std::vector<std::vector<size_t>>{{}, {1}, {2, 5}, {40, 1}}) {
    Ground ground;
    ground.wire->to_first.pieces = pieces;
    ground.request();
    ground.answer(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: "
        "1\r\n\r\n");
    const auto hints = ground.response();
    REQUIRE(hints);
    CHECK(hints->status == 103);
    const auto response = ground.response();
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(ground.body() == "hello world");
    REQUIRE(ground.connection->trailers().size() == 1);
    CHECK(ground.connection->trailers().begin()->value == "1");
    CHECK(ground.connection->reusable());
  }
}

TEST_CASE("client connection: answers to HEAD, 204 and 304 have no body") {
  Ground ground;
  ground.request("HEAD");
  ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  CHECK(ground.response()->content_length == 500);
  CHECK(ground.connection->response_body().at_end());
  CHECK(ground.connection->reusable());
  ground.request("GET");
  ground.answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
  CHECK(ground.response()->status == 304);
  CHECK(ground.connection->reusable());
}

TEST_CASE("client connection: a body that lasts until the end is complete at the end") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.0 200 OK\r\n\r\npart");
  ground.endpoint.finish();
  ground.world.settle();
  REQUIRE(ground.response());
  CHECK(ground.body() == "part");
  CHECK(ground.connection->response_body().at_end());
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: a body that lasts until the end is cut by a reset") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.0 200 OK\r\n\r\npart");
  ground.endpoint.reset();
  ground.world.settle();
  REQUIRE(ground.response());
  REQUIRE(ground.connection->response_body().aborted());
  CHECK(*ground.connection->response_body().aborted() == Error{Cause::upstream_closed, Stage::response_body});
}

TEST_CASE("client connection: a truncated response aborts the body, and never ends it") {
  for (std::string_view head : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(std::string(head));
      CAPTURE(reset);
      Ground ground;
      ground.request();
      ground.answer(head);
      if (reset)
        ground.endpoint.reset();
      else
        ground.endpoint.leave();
      ground.world.settle();
      REQUIRE(ground.response());
      REQUIRE(ground.connection->response_body().aborted());
      CHECK(*ground.connection->response_body().aborted() ==
            Error{Cause::upstream_closed, Stage::response_body});
      CHECK_FALSE(ground.connection->response_body().at_end());
      CHECK_FALSE(ground.connection->reusable());
    }
  }
}

TEST_CASE("client connection: an endpoint that closes before the head is an error of the head") {
  for (std::string_view before : {"", "HTTP/1.1 20", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    Ground ground;
    ground.request();
    ground.answer(before);
    if (!before.empty() && before.size() > 20) REQUIRE(ground.response());
    ground.endpoint.leave();
    ground.world.settle();
    const auto response = ground.response();
    REQUIRE_FALSE(response);
    CHECK(response.error() == Error{Cause::upstream_closed, Stage::response_head});
    CHECK(ground.connection->response_begun() == !before.empty());
    CHECK_FALSE(ground.connection->reusable());
  }
}

TEST_CASE("client connection: bytes that are no response are the endpoint's fault") {
  Ground ground;
  ground.request();
  ground.answer("SSH-2.0-OpenSSH\r\n\r\n");
  const auto response = ground.response();
  REQUIRE_FALSE(response);
  CHECK(response.error() == Error{Cause::upstream_bad_response, Stage::response_head});
  CHECK_FALSE(ground.connection->fault().detail.empty());
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: bytes that break a body are the endpoint's fault") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
  REQUIRE(ground.response());
  REQUIRE(ground.connection->response_body().aborted());
  CHECK(ground.connection->response_body().aborted()->cause == Cause::upstream_bad_response);
}

TEST_CASE("client connection: more interim responses than the limit are refused") {
  Ground ground;
  ground.request();
  std::string flood;
  for (int i = 0; i < 33; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
  ground.answer(flood);
  for (int i = 0; i < 32; ++i) REQUIRE(ground.response());
  const auto last = ground.response();
  REQUIRE_FALSE(last);
  CHECK(last.error().cause == Cause::upstream_bad_response);
}

TEST_CASE("client connection: bytes beyond the response spoil the connection") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  REQUIRE(ground.response());
  CHECK(ground.body() == "ok");
  CHECK(ground.connection->response_body().at_end());
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: an answer with Connection: close is the last one") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  REQUIRE(ground.response());
  CHECK(ground.body() == "ok");
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: one that rests is heard when its endpoint closes or speaks unasked") {
  for (const bool speaks : {false, true}) {
    Ground ground;
    ground.request();
    ground.answer("HTTP/1.1 204 No Content\r\n\r\n");
    REQUIRE(ground.response());
    REQUIRE(ground.connection->reusable());
    ground.connection->park(ground);
    if (speaks)
      ground.answer("HTTP/1.1 408 Request Timeout\r\n\r\n");
    else
      ground.endpoint.leave();
    ground.world.settle();
    CHECK(ground.idle_closed == 1);
    CHECK_FALSE(ground.connection->reusable());
  }
}

TEST_CASE("client connection: request bodies are framed as the head says") {
  Ground ground;
  ground.request_with_body(BodyKind::length, 5);
  ground.connection->request_body().push(base::Chunk::copy_of("hello"));
  ground.connection->request_body().end();
  ground.world.settle();
  CHECK(ground.endpoint.take_heard() == "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  ground.answer("HTTP/1.1 204 No Content\r\n\r\n");
  REQUIRE(ground.response());
  REQUIRE(ground.connection->reusable());
  ground.request_with_body(BodyKind::chunked);
  ground.connection->request_body().push(base::Chunk::copy_of("hello"));
  ground.world.settle();
  CHECK(ground.endpoint.take_heard() ==
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  ground.connection->request_body().end();
  ground.world.settle();
  CHECK(ground.endpoint.take_heard() == "0\r\n\r\n");
}

TEST_CASE("client connection: a response before the request's end makes it the last one") {
  Ground ground;
  ground.request_with_body(BodyKind::length, 100);
  ground.connection->request_body().push(base::Chunk::copy_of("first"));
  ground.answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(ground.response()->status == 413);
  CHECK(ground.connection->response_body().at_end());
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: a request body that is cut is not completed") {
  Ground ground;
  ground.request_with_body(BodyKind::chunked);
  ground.connection->request_body().push(base::Chunk::copy_of("half"));
  ground.world.settle();
  ground.connection->request_body().abort(Error{Cause::client_closed, Stage::request_body});
  ground.world.settle();
  CHECK(ground.endpoint.heard().find("0\r\n\r\n") == std::string::npos);
  const auto response = ground.response();
  REQUIRE_FALSE(response);
  CHECK(response.error().cause == Cause::client_closed);
  CHECK_FALSE(ground.connection->reusable());
}

TEST_CASE("client connection: a response body that nobody reads is held back at the endpoint") {
  Ground ground;
  ground.wire->to_first.capacity = 64 * 1024;
  ground.request();
  ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  REQUIRE(ground.response());
  CHECK(ground.wire->first_paused);
  CHECK(ground.connection->response_body().bytes() <= 512 * 1024);
  CHECK(ground.endpoint.transport().backlog() > 2'000'000);
  CHECK(ground.body().size() == 3'000'000);
  CHECK(ground.connection->reusable());
}

TEST_CASE("client connection: a request body waits for an endpoint that does not read") {
  Ground ground;
  ground.endpoint.transport().pause();
  ground.request_with_body(BodyKind::chunked);
  size_t pushed = 0;
  base::Channel& body = ground.connection->request_body();
  while (body.has_room() && pushed < 5'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    ground.world.settle();
  }
  CHECK(pushed < 1'000'000);
  body.end();
  ground.endpoint.transport().resume();
  ground.world.settle();
  CHECK(ground.endpoint.heard().size() > pushed);
  CHECK(ground.endpoint.heard().ends_with("0\r\n\r\n"));
}

TEST_CASE("client connection: a tunnel gets the bytes that came with the 101, first") {
  for (const std::vector<size_t>& pieces : std::vector<std::vector<size_t>>{{}, {1}, {77}, {10, 3}}) {
    Ground ground;
    ground.wire->to_first.pieces = pieces;
    ground.request();
    ground.answer(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nearly");
    ground.answer(", later");
    REQUIRE(ground.response());
    CHECK_FALSE(ground.connection->reusable());
    std::unique_ptr<net::Transport> tunnel = ground.connection->take_tunnel();
    REQUIRE(tunnel);
    CHECK(ground.connection->take_tunnel() == nullptr);
    ScriptedPeer near(std::move(tunnel));
    ground.world.settle();
    CHECK(near.heard() == "early, later");
    near.send("back");
    ground.world.settle();
    CHECK(ground.endpoint.heard() == "back");
  }
}

TEST_CASE(
    "client connection: an endpoint that ends right after a 101 gives the tunnel its bytes and its end") {
  Ground ground;
  ground.request();
  ground.endpoint.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nlast");
  ground.endpoint.finish();
  ground.world.settle();
  REQUIRE(ground.response());
  ScriptedPeer near(ground.connection->take_tunnel());
  ground.world.settle();
  CHECK(near.heard() == "last");
  CHECK(near.ended());
}

TEST_CASE("client connection: without a 101 there is no tunnel") {
  Ground ground;
  ground.request();
  ground.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(ground.response());
  CHECK(ground.connection->take_tunnel() == nullptr);
}
