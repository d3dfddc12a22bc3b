#include "http1/server_connection.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/memory_transport.h"
#include "support/watched_story.h"

namespace {

using namespace postern;
using namespace std::chrono_literals;
using base::Cause;
using http::BodyKind;
using http1::ServerConnection;
using support::ScriptedPeer;
using support::World;
using Arrival = ServerConnection::Arrival;

const http::ClientFacts facts;

// A client in memory, and an application that answers each request with what a test wrote down.
class Ground : public ServerConnection::Owner {
 public:
  using Application = std::function<void(ServerConnection&)>;

  explicit Ground(Application application, const http1::ServerLimits& the_limits = {})
      : limits(the_limits), application_(std::move(application)), serving_(serve(*this)) {}

  World world;
  http1::ServerLimits limits;
  support::MemoryPair pair = support::connect_in_memory(world);
  std::shared_ptr<support::Wire> wire = pair.wire;
  ScriptedPeer client{std::move(pair.first)};
  std::optional<ServerConnection> server{std::in_place, world.turn, std::move(pair.second),
                                         limits,        facts,      *this};
  base::Scope scope{world.turn};
  std::vector<std::string> targets;
  std::vector<Cause> gone;
  std::optional<http1::Fault> fault;
  bool over = false;
  bool closed = false;
  bool read_bodies_first = false;
  bool finish_at_once = true;  // else the test calls finish_stream()

  std::string exchange(std::string_view bytes) {
    client.send(bytes);
    world.settle();
    return client.take_heard();
  }

 private:
  void on_client_gone(Cause why) override { gone.push_back(why); }

  static base::Task<int> serve(Ground& ground) {
    bool another = true;
    while (another) {
      base::Result<Arrival> arrival = co_await ground.server->arrivals().take(ground.scope);
      if (!arrival || *arrival == Arrival::over) break;
      if (*arrival == Arrival::refused) {
        ground.fault = ground.server->fault();
        http::ResponseHead head;
        head.status = base::traits(ground.fault->cause).status;
        head.body = BodyKind::length;
        ground.server->respond(head);
        ground.server->response_body().end();
      } else {
        while (ground.read_bodies_first && !ground.server->request_body().at_end()) {
          base::Result<base::Chunk> chunk = co_await ground.server->request_body().read(ground.scope);
          if (!chunk) break;
        }
        ground.targets.emplace_back(ground.server->request().target);
        ground.application_(*ground.server);
      }
      if (ground.finish_at_once || *arrival == Arrival::refused) ground.server->finish_stream();
      base::Result<bool> finished = co_await ground.server->finished().take(ground.scope);
      another = finished && *finished;
    }
    ground.over = true;
    ground.server->close();
    base::Result<bool> closed = co_await ground.server->closed().take(ground.scope);
    ground.closed = closed.has_value();
    ground.server.reset();
    co_return 0;
  }

  Application application_;
  support::WatchedStory<int> serving_;
};

void answer(ServerConnection& server, std::string_view body, uint16_t status = 200) {
  http::ResponseHead head;
  head.status = status;
  head.body = BodyKind::length;
  head.content_length = body.size();
  server.respond(head);
  server.response_body().push(base::Chunk::copy_of(body));
  server.response_body().end();
}

void echo_target(ServerConnection& server) { answer(server, std::string(server.request().target)); }

std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string ok(std::string_view body, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields) +
         "\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("server connection: requests on one connection are answered one after another") {
  Ground ground(echo_target);
  CHECK(ground.exchange(get("/1")) == ok("/1"));
  CHECK(ground.exchange(get("/2")) == ok("/2"));
  CHECK(ground.exchange("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") == ok("/3"));
  CHECK_FALSE(ground.over);
}

TEST_CASE("server connection: pipelined requests are answered in order, however they are cut") {
  const std::string all =
      get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" +
      get("/3") + get("/4") + get("/5");
  for (const std::vector<size_t>& pieces :
       std::vector<std::vector<size_t>>{{}, {1}, {7, 3}, {1000, 1}, {60}}) {
    Ground ground(echo_target);
    ground.read_bodies_first = true;
    ground.wire->to_second.pieces = pieces;
    CHECK(ground.exchange(all) == ok("/1") + ok("/2") + ok("/3") + ok("/4") + ok("/5"));
    CHECK(ground.exchange(get("/6")) == ok("/6"));
  }
}

TEST_CASE("server connection: pipelined requests wait until the one before has been answered") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  CHECK(ground.exchange(get("/1") + get("/2")).empty());
  CHECK(ground.targets == std::vector<std::string>{"/1"});
  answer(*ground.server, "first");
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.client.take_heard() == ok("first"));
  CHECK(ground.targets == std::vector<std::string>{"/1", "/2"});
}

TEST_CASE("server connection: a flood of pipelined requests is held back at the socket") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.wire->to_second.capacity = 64 * 1024;
  std::string flood;
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) flood += get("/" + std::to_string(i));
  CHECK(ground.exchange(flood).empty());
  CHECK(ground.wire->second_paused);
  CHECK(ground.wire->to_second.delivered < 300 * 1024);
  CHECK(ground.client.transport().backlog() > 0);
  for (int i = 0; i < count; ++i) {
    answer(*ground.server, "");
    ground.server->finish_stream();
    ground.world.settle();
  }
  CHECK(ground.targets.size() == count);
  CHECK(ground.targets.back() == "/" + std::to_string(count - 1));
}

TEST_CASE("server connection: HEAD is answered without the body") {
  Ground ground(echo_target);
  CHECK(ground.exchange("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n" + get("/x")) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ok("/x"));
}

TEST_CASE("server connection: 204 and 304 are answered without a body") {
  Ground ground([](ServerConnection& server) {
    http::ResponseHead head;
    head.status = server.request().target == "/204" ? 204 : 304;
    server.respond(head);
    server.response_body().end();
  });
  CHECK(ground.exchange(get("/204") + get("/304")) ==
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n");
}

TEST_CASE("server connection: HTTP/1.0 closes after the answer, unless it asked to be kept") {
  Ground closing(echo_target);
  CHECK(closing.exchange("GET /old HTTP/1.0\r\n\r\n") == ok("/old", "Connection: close\r\n"));
  CHECK(closing.client.ended());
  Ground kept(echo_target);
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
  Ground modern(stream);
  CHECK(modern.exchange(get("/")) ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK_FALSE(modern.client.ended());
  Ground old(stream);
  CHECK(old.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  CHECK(old.client.ended());
}

TEST_CASE("server connection: Connection: close is honoured") {
  Ground ground(echo_target);
  CHECK(ground.exchange(get("/1", "Connection: close\r\n") + get("/2")) == ok("/1", "Connection: close\r\n"));
  CHECK(ground.targets.size() == 1);
  CHECK(ground.client.ended());
}

TEST_CASE("server connection: interim responses go out before the final one, and not to HTTP/1.0") {
  const auto hint_first = [](ServerConnection& server) {
    http::ResponseHead hints;
    hints.status = 103;
    hints.headers.add("Link", "</a>");
    server.inform(hints);
    answer(server, "x");
  };
  Ground modern(hint_first);
  CHECK(modern.exchange(get("/")) == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("x"));
  Ground old(hint_first);
  CHECK(old.exchange("GET / HTTP/1.0\r\n\r\n") == ok("x", "Connection: close\r\n"));
}

TEST_CASE("server connection: an answer before the end of the request's body closes the connection") {
  Ground ground(echo_target);
  const std::string head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst bytes";
  CHECK(ground.exchange(head).starts_with("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"));
  CHECK(ground.over);
  CHECK(ground.client.ended());
  CHECK_FALSE(ground.client.broken());
  CHECK(ground.exchange(std::string(10'000, 'x')).empty());  // not taken for a request
  CHECK(ground.targets.size() == 1);
}

TEST_CASE(
    "server connection: trailers are sent after a chunked body, those that may not stand there are dropped") {
  Ground ground([](ServerConnection& server) {
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
  CHECK(ground.exchange(get("/")) ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: v\r\n\r\n");
}

TEST_CASE(
    "server connection: bytes that are no request are refused with their status, and the connection closes") {
  Ground ground(echo_target);
  const std::string heard = ground.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/next"));
  CHECK(heard == "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  REQUIRE(ground.fault);
  CHECK(ground.fault->detail == "more than one Host field");
  CHECK(ground.targets.empty());
  CHECK(ground.client.ended());
}

TEST_CASE("server connection: a good request before a bad one is answered first") {
  Ground ground(echo_target);
  const std::string heard = ground.exchange(get("/good") + "BAD\r\n\r\n");
  CHECK(heard == ok("/good") + "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("server connection: bytes that break a request's body end its exchange") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n");
  CHECK(ground.gone == std::vector<Cause>{Cause::bad_request});
  REQUIRE(ground.server->request_body().aborted());
  CHECK(ground.server->request_body().aborted()->cause == Cause::bad_request);
  answer(*ground.server, "", 400);
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.client.heard() ==
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(ground.client.ended());
}

TEST_CASE("server connection: a head that does not come in time is answered with 408") {
  Ground ground(echo_target);
  ground.exchange("GET / HT");
  for (int i = 0; i < 5; ++i) {
    ground.world.advance(2s);
    CHECK(ground.exchange("x").empty());  // trickling does not help
  }
  ground.world.advance(6s);
  CHECK(ground.client.heard() ==
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(ground.over);
}

TEST_CASE("server connection: one that never says anything is closed without a word") {
  Ground ground(echo_target);
  ground.world.advance(14s);
  CHECK_FALSE(ground.over);
  ground.world.advance(2s);
  CHECK(ground.over);
  CHECK(ground.client.heard().empty());
}

TEST_CASE("server connection: one that rests between two requests is closed after its limit") {
  Ground ground(echo_target);
  ground.exchange(get("/1"));
  ground.world.advance(74s);
  CHECK_FALSE(ground.over);
  CHECK(ground.exchange(get("/2")) == ok("/2"));
  ground.world.advance(74s);
  CHECK_FALSE(ground.over);
  ground.world.advance(2s);
  CHECK(ground.over);
  CHECK(ground.client.heard().empty());
}

TEST_CASE("server connection: the head's limit counts anew for each request, from its first byte") {
  Ground ground(echo_target);
  ground.exchange(get("/1"));
  ground.world.advance(60s);
  ground.exchange("G");
  ground.world.advance(14s);
  CHECK_FALSE(ground.over);
  CHECK(ground.exchange(get("/2").substr(1)) == ok("/2"));
}

TEST_CASE("server connection: no limit of its own runs while an exchange is open") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.exchange(get("/slow"));
  ground.world.advance(1h);
  CHECK_FALSE(ground.over);
  answer(*ground.server, "late");
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.client.heard() == ok("late"));
}

TEST_CASE("server connection: a client that leaves between two requests is let go") {
  Ground ground(echo_target);
  ground.exchange(get("/1"));
  ground.client.leave();
  ground.world.settle();
  CHECK(ground.over);
  CHECK(ground.closed);
  CHECK(ground.gone.empty());
}

TEST_CASE("server connection: a client that leaves in the middle of a response ends its exchange") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    Ground ground([](ServerConnection& server) {
      http::ResponseHead head;
      head.body = BodyKind::chunked;
      server.respond(head);
      server.response_body().push(base::Chunk::copy_of("begun"));
    });
    ground.finish_at_once = false;
    ground.exchange(get("/"));
    if (reset)
      ground.client.reset();
    else
      ground.client.leave();
    ground.world.settle();
    CHECK(ground.gone == std::vector<Cause>{Cause::client_closed});
    ground.server->response_body().push(base::Chunk::copy_of("for nobody"));
    CHECK(ground.server->response_body().bytes() == 0);
    ground.server->finish_stream();
    ground.world.settle();
    CHECK(ground.over);
  }
}

TEST_CASE("server connection: a client that leaves in the middle of its body aborts the body") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  ground.client.leave();
  ground.world.settle();
  REQUIRE(ground.server->request_body().aborted());
  CHECK(ground.server->request_body().aborted()->cause == Cause::client_closed);
  CHECK(ground.gone.size() == 1);
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.over);
}

TEST_CASE("server connection: a response that is cut looks cut") {
  const auto cut = [](BodyKind kind, std::string_view request) {
    auto ground = std::make_unique<Ground>([kind](ServerConnection& server) {
      http::ResponseHead head;
      head.body = kind;
      head.content_length = 100;
      server.respond(head);
      server.response_body().push(base::Chunk::copy_of("begun"));
    });
    ground->finish_at_once = false;
    ground->exchange(request);
    ground->server->response_body().abort(base::Error{Cause::upstream_closed, base::Stage::response_body});
    ground->server->finish_stream();
    ground->world.advance(10s);
    CHECK(ground->over);
    CHECK((ground->client.ended() || ground->client.broken()));
    return ground;
  };
  CHECK(cut(BodyKind::chunked, get("/"))->client.heard().find("0\r\n\r\n") == std::string::npos);
  cut(BodyKind::length, get("/"));
  CHECK(cut(BodyKind::until_close, "GET / HTTP/1.0\r\n\r\n")->client.broken());  // only a reset can tell
}

TEST_CASE("server connection: an exchange that ends without completing its response cuts it") {
  Ground ground([](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::chunked;
    server.respond(head);
  });
  const std::string heard = ground.exchange(get("/"));
  CHECK(heard.find("0\r\n\r\n") == std::string::npos);
  ground.world.advance(10s);
  CHECK(ground.over);
  CHECK((ground.client.ended() || ground.client.broken()));
}

TEST_CASE("server connection: a large request body waits while nobody reads it") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.wire->to_second.capacity = 64 * 1024;
  const size_t size = 3'000'000;
  ground.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                  std::string(size, 'x'));
  CHECK(ground.wire->second_paused);
  CHECK(ground.server->request_body().bytes() <= 512 * 1024);
  size_t received = 0;
  while (!ground.server->request_body().at_end()) {
    REQUIRE(ground.server->request_body().has_bytes());
    received += ground.server->request_body().take().size();
    ground.world.settle();
  }
  CHECK(received == size);
  answer(*ground.server, "done");
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.client.heard() == ok("done"));
}

TEST_CASE("server connection: a large response waits while the client does not read it") {
  Ground ground([](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::length;
    head.content_length = 3'000'000;
    server.respond(head);
  });
  ground.finish_at_once = false;
  ground.client.transport().pause();
  ground.exchange(get("/"));
  size_t pushed = 0;
  base::Channel& body = ground.server->response_body();
  while (body.has_room() && pushed < 3'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    ground.world.settle();
  }
  CHECK(pushed < 1'000'000);  // the network, the transport and the channel have taken their share
  ground.client.transport().resume();
  while (pushed < 3'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    ground.world.settle();
  }
  body.end();
  ground.server->finish_stream();
  ground.world.settle();
  CHECK(ground.client.heard().size() ==
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n").size() + pushed);
}

TEST_CASE("server connection: a tunnel gets the bytes that came early, first") {
  std::unique_ptr<net::Transport> tunnel;
  Ground ground([&](ServerConnection& server) {
    CHECK(server.request().upgrade == http::Upgrade::websocket);
    http::ResponseHead head;
    head.status = 101;
    tunnel = server.accept_tunnel(head);
  });
  CHECK(ground.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early bytes") ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  ground.client.send(", later bytes");
  REQUIRE(tunnel);
  CHECK(ground.over);
  ScriptedPeer far(std::move(tunnel));
  ground.world.settle();
  CHECK(far.heard() == "early bytes, later bytes");
  far.send("and back");
  ground.world.settle();
  CHECK(ground.client.heard() == "and back");
}

TEST_CASE("server connection: a refused upgrade is answered as any request") {
  Ground ground(echo_target);
  CHECK(ground.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n")) == ok("/ws"));
  CHECK(ground.exchange(get("/next")) == ok("/next"));
}

TEST_CASE("server connection: bytes after an upgrade request that is refused are not taken for a request") {
  Ground ground(echo_target);
  CHECK(ground.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + get("/smuggled")) ==
        ok("/ws", "Connection: close\r\n"));
  CHECK(ground.targets == std::vector<std::string>{"/ws"});
}

TEST_CASE("server connection: draining lets go of one that rests, and closes after the open exchange") {
  Ground resting(echo_target);
  resting.exchange(get("/1"));
  resting.server->drain();
  resting.world.settle();
  CHECK(resting.over);
  Ground open([](ServerConnection&) {});
  open.finish_at_once = false;
  open.exchange(get("/1"));
  open.server->drain();
  open.world.settle();
  CHECK_FALSE(open.over);
  answer(*open.server, "last");
  open.server->finish_stream();
  open.world.settle();
  CHECK(open.client.heard() == ok("last", "Connection: close\r\n"));
  CHECK(open.over);
}

TEST_CASE("server connection: closing waits for the client's end, but not for ever") {
  Ground waits(echo_target);
  waits.exchange(get("/1", "Connection: close\r\n"));
  CHECK(waits.over);
  CHECK_FALSE(waits.closed);
  waits.client.finish();
  waits.world.settle();
  CHECK(waits.closed);
  Ground lingers(echo_target);
  lingers.exchange(get("/1", "Connection: close\r\n"));
  lingers.world.advance(4s);
  CHECK_FALSE(lingers.closed);
  lingers.world.advance(2s);
  CHECK(lingers.closed);
}

TEST_CASE("server connection: one that is dropped at any moment leaves nothing behind") {
  for (std::string_view bytes :
       {"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", "BAD\r\n\r\n"}) {
    Ground ground([](ServerConnection&) {});
    ground.finish_at_once = false;
    ground.exchange(bytes);
  }
}
