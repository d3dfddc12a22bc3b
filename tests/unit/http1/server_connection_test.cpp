#include "http1/server_connection.h"
#include "base/error.h"

#include <doctest/doctest.h>

#include "server_fixture.h"

namespace {

using namespace postern::server_fixture;

}  // namespace

TEST_CASE("server connection: requests on one connection are answered one after another") {
  Fixture fixture(echo_target);
  CHECK(fixture.exchange(get("/1")) == ok("/1"));
  CHECK(fixture.exchange(get("/2")) == ok("/2"));
  CHECK(fixture.exchange("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") == ok("/3"));
  CHECK_FALSE(fixture.over);
}

TEST_CASE("server connection: pipelined requests are answered in order, however they are cut") {
  const std::string all =
      get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" +
      get("/3") + get("/4") + get("/5");
  for (const std::vector<size_t>& pieces :
       std::vector<std::vector<size_t>>{{}, {1}, {7, 3}, {1000, 1}, {60}}) {
    Fixture fixture(echo_target);
    fixture.read_bodies_first = true;
    fixture.wire->to_second.pieces = pieces;
    CHECK(fixture.exchange(all) == ok("/1") + ok("/2") + ok("/3") + ok("/4") + ok("/5"));
    CHECK(fixture.exchange(get("/6")) == ok("/6"));
  }
}

TEST_CASE("server connection: pipelined requests wait until the one before has been answered") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  CHECK(fixture.exchange(get("/1") + get("/2")).empty());
  CHECK(fixture.targets == std::vector<std::string>{"/1"});
  answer(*fixture.server, "first");
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.take_heard() == ok("first"));
  CHECK(fixture.targets == std::vector<std::string>{"/1", "/2"});
}

TEST_CASE("server connection: after the last request that it takes, the connection is closed and says so") {
  Fixture fixture([](ServerConnection& server) { answer(server, "yes"); });
  fixture.limits.requests = 2;
  CHECK(fixture.exchange(get("/1")).find("Connection: close") == std::string::npos);
  CHECK(fixture.exchange(get("/2") + get("/3")).find("Connection: close\r\n") != std::string::npos);
  CHECK(fixture.targets == std::vector<std::string>{"/1", "/2"});
}

TEST_CASE("server connection: a flood of pipelined requests is held back at the socket") {
  Fixture fixture([](ServerConnection&) {});
  fixture.limits.requests = 0;
  fixture.finish_at_once = false;
  fixture.wire->to_second.capacity = 64 * 1024;
  std::string flood;
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) flood += get("/" + std::to_string(i));
  CHECK(fixture.exchange(flood).empty());
  CHECK(fixture.wire->second_paused);
  CHECK(fixture.wire->to_second.delivered < 300 * 1024);
  CHECK(fixture.client.transport().backlog() > 0);
  for (int i = 0; i < count; ++i) {
    answer(*fixture.server, "");
    fixture.finish();
    fixture.turns.settle();
  }
  CHECK(fixture.targets.size() == count);
  CHECK(fixture.targets.back() == "/" + std::to_string(count - 1));
}

TEST_CASE("server connection: HEAD is answered without the body") {
  Fixture fixture(echo_target);
  CHECK(fixture.exchange("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n" + get("/x")) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ok("/x"));
}

TEST_CASE("server connection: 204 and 304 are answered without a body") {
  Fixture fixture([](ServerConnection& server) {
    http::ResponseHead head;
    head.status = server.request().target == "/204" ? 204 : 304;
    server.respond(head);
    server.response_body().end();
  });
  CHECK(fixture.exchange(get("/204") + get("/304")) ==
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n");
}

TEST_CASE("server connection: HTTP/1.0 closes after the answer, unless it asked to be kept") {
  Fixture closing(echo_target);
  CHECK(closing.exchange("GET /old HTTP/1.0\r\n\r\n") == ok("/old", "Connection: close\r\n"));
  CHECK(closing.client.ended());
  Fixture kept(echo_target);
  CHECK(kept.exchange("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
        ok("/old", "Connection: keep-alive\r\n"));
  CHECK_FALSE(kept.client.ended());
}

TEST_CASE("server connection: a body of unknown length is chunked, or lasts until the end for HTTP/1.0") {
  const auto stream = [](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::until_close;
    server.respond(head);
    server.response_body().push(base::Chunk::copy_of("hello"));
    server.response_body().end();
  };
  Fixture modern(stream);
  CHECK(modern.exchange(get("/")) ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK_FALSE(modern.client.ended());
  Fixture old(stream);
  CHECK(old.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  CHECK(old.client.ended());
}

TEST_CASE("server connection: Connection: close is honoured") {
  Fixture fixture(echo_target);
  CHECK(fixture.exchange(get("/1", "Connection: close\r\n") + get("/2")) ==
        ok("/1", "Connection: close\r\n"));
  CHECK(fixture.targets.size() == 1);
  CHECK(fixture.client.ended());
}

TEST_CASE("server connection: interim responses go out before the final one, and not to HTTP/1.0") {
  const auto hint_first = [](ServerConnection& server) {
    http::ResponseHead hints;
    hints.status = 103;
    hints.headers.add("Link", "</a>");
    server.inform(hints);
    answer(server, "x");
  };
  Fixture modern(hint_first);
  CHECK(modern.exchange(get("/")) == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("x"));
  Fixture old(hint_first);
  CHECK(old.exchange("GET / HTTP/1.0\r\n\r\n") == ok("x", "Connection: close\r\n"));
}

TEST_CASE("server connection: an answer before the end of the request's body closes the connection") {
  Fixture fixture(echo_target);
  const std::string head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst bytes";
  CHECK(fixture.exchange(head).starts_with("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"));
  CHECK(fixture.over);
  CHECK(fixture.client.ended());
  CHECK_FALSE(fixture.client.broken());
  CHECK(fixture.exchange(std::string(10'000, 'x')).empty());  // it is not parsed as a request
  CHECK(fixture.targets.size() == 1);
}

TEST_CASE(
    "server connection: trailers are sent after a chunked body, those that may not stand there are dropped") {
  Fixture fixture([](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::chunked;
    server.respond(head);
    http::Headers trailers;
    for (std::string_view name : {"Content-Length", "Host", "Authorization", "Set-Cookie", "set-cookie",
                                  "Transfer-Encoding", "Content-Type", "Trailer", "X-Sum"})
      trailers.add(name, "v");
    server.set_trailers(trailers);
    server.response_body().push(base::Chunk::copy_of("hi"));
    server.response_body().end();
  });
  CHECK(fixture.exchange(get("/")) ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: v\r\n\r\n");
}

TEST_CASE(
    "server connection: bytes that are no request are refused with their status, and the connection closes") {
  Fixture fixture(echo_target);
  const std::string heard = fixture.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/next"));
  CHECK(heard == "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  REQUIRE(fixture.fault);
  CHECK(fixture.fault->detail == "more than one Host field");
  CHECK(fixture.targets.empty());
  CHECK(fixture.client.ended());
}

TEST_CASE("server connection: a good request before a bad one is answered first") {
  Fixture fixture(echo_target);
  const std::string heard = fixture.exchange(get("/good") + "BAD\r\n\r\n");
  CHECK(heard == ok("/good") + "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("server connection: bytes that break a request's body end its exchange") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n");
  CHECK(fixture.gone == std::vector<Cause>{Cause::bad_request});
  REQUIRE(fixture.server->request_body().aborted());
  CHECK(fixture.server->request_body().aborted()->cause == Cause::bad_request);
  answer(*fixture.server, "", 400);
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard() ==
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(fixture.client.ended());
}

TEST_CASE("server connection: a head that does not come in time is answered with 408") {
  Fixture fixture(echo_target);
  fixture.exchange("GET / HT");
  for (int i = 0; i < 5; ++i) {
    fixture.turns.advance(2s);
    CHECK(fixture.exchange("x").empty());  // sending single bytes does not extend the deadline
  }
  fixture.turns.advance(6s);
  CHECK(fixture.client.heard() ==
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(fixture.over);
}

TEST_CASE("server connection: one that never says anything is closed without a word") {
  Fixture fixture(echo_target);
  fixture.turns.advance(14s);
  CHECK_FALSE(fixture.over);
  fixture.turns.advance(2s);
  CHECK(fixture.over);
  CHECK(fixture.client.heard().empty());
}

TEST_CASE("server connection: one that rests between two requests is closed after its limit") {
  Fixture fixture(echo_target);
  fixture.exchange(get("/1"));
  fixture.turns.advance(74s);
  CHECK_FALSE(fixture.over);
  CHECK(fixture.exchange(get("/2")) == ok("/2"));
  fixture.turns.advance(74s);
  CHECK_FALSE(fixture.over);
  fixture.turns.advance(2s);
  CHECK(fixture.over);
  CHECK(fixture.client.heard().empty());
}

TEST_CASE("server connection: the head's limit counts anew for each request, from its first byte") {
  Fixture fixture(echo_target);
  fixture.exchange(get("/1"));
  fixture.turns.advance(60s);
  fixture.exchange("G");
  fixture.turns.advance(14s);
  CHECK_FALSE(fixture.over);
  CHECK(fixture.exchange(get("/2").substr(1)) == ok("/2"));
}

TEST_CASE("server connection: no limit of its own runs while an exchange is open") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.exchange(get("/slow"));
  fixture.turns.advance(1h);
  CHECK_FALSE(fixture.over);
  answer(*fixture.server, "late");
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard() == ok("late"));
}
