#include "http1/server_connection.h"

#include <doctest/doctest.h>

#include "server_ground.h"

namespace {

using namespace postern::server_ground;

}  // namespace

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
    if (!reset) {  // until something is written to it, it might wait for the rest
      CHECK(ground.gone.empty());
      ground.server->response_body().push(base::Chunk::copy_of("more"));
      ground.world.settle();
    }
    CHECK(ground.gone == std::vector<Cause>{Cause::client_closed});
    ground.server->response_body().push(base::Chunk::copy_of("for nobody"));
    CHECK(ground.server->response_body().bytes() == 0);
    ground.finish();
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
  ground.finish();
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
    ground->finish();
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
  ground.finish();
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
  ground.finish();
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
  Ground idle(echo_target);
  idle.exchange(get("/1"));
  idle.server->drain();
  idle.world.settle();
  CHECK(idle.over);
  Ground open([](ServerConnection&) {});
  open.finish_at_once = false;
  open.exchange(get("/1"));
  open.server->drain();
  open.world.settle();
  CHECK_FALSE(open.over);
  answer(*open.server, "last");
  open.finish();
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
