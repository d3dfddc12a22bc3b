#include "base/error.h"
#include "http1/server_connection.h"

#include <doctest/doctest.h>

#include "server_fixture.h"

namespace {

using namespace postern::server_fixture;

}  // namespace

TEST_CASE("server connection: a client that leaves between two requests is let go") {
  Fixture fixture(echo_target);
  fixture.exchange(get("/1"));
  fixture.client.leave();
  fixture.turns.settle();
  CHECK(fixture.over);
  CHECK(fixture.closed);
  CHECK(fixture.gone.empty());
}

TEST_CASE("server connection: a client that leaves in the middle of a response ends its exchange") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    Fixture fixture([](ServerConnection& server) {
      http::ResponseHead head;
      head.body = BodyKind::chunked;
      server.respond(head);
      server.response_body().push(base::Chunk::copy_of("begun"));
    });
    fixture.finish_at_once = false;
    fixture.exchange(get("/"));
    if (reset)
      fixture.client.reset();
    else
      fixture.client.leave();
    fixture.turns.settle();
    if (!reset) {  // until something is written to the client, it might wait for the rest
      CHECK(fixture.gone.empty());
      fixture.server->response_body().push(base::Chunk::copy_of("more"));
      fixture.turns.settle();
    }
    CHECK(fixture.gone == std::vector<Cause>{Cause::client_closed});
    fixture.server->response_body().push(base::Chunk::copy_of("for nobody"));
    CHECK(fixture.server->response_body().bytes() == 0);
    fixture.finish();
    fixture.turns.settle();
    CHECK(fixture.over);
  }
}

TEST_CASE("server connection: a client that leaves in the middle of its body aborts the body") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  fixture.client.leave();
  fixture.turns.settle();
  REQUIRE(fixture.server->request_body().aborted());
  CHECK(fixture.server->request_body().aborted()->cause == Cause::client_closed);
  CHECK(fixture.gone.size() == 1);
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.over);
}

TEST_CASE("server connection: a response that is cut looks cut") {
  const auto cut = [](BodyKind kind, std::string_view request) {
    auto fixture = std::make_unique<Fixture>([kind](ServerConnection& server) {
      http::ResponseHead head;
      head.body = kind;
      head.content_length = 100;
      server.respond(head);
      server.response_body().push(base::Chunk::copy_of("begun"));
    });
    fixture->finish_at_once = false;
    fixture->exchange(request);
    fixture->server->response_body().abort(base::Error{Cause::upstream_closed, base::Stage::response_body});
    fixture->finish();
    fixture->turns.advance(10s);
    CHECK(fixture->over);
    CHECK((fixture->client.ended() || fixture->client.broken()));
    return fixture;
  };
  CHECK(cut(BodyKind::chunked, get("/"))->client.heard().find("0\r\n\r\n") == std::string::npos);
  cut(BodyKind::length, get("/"));
  CHECK(cut(BodyKind::until_close, "GET / HTTP/1.0\r\n\r\n")->client.broken());  // only a reset shows a cut
}

TEST_CASE("server connection: an exchange that ends without completing its response cuts it") {
  Fixture fixture([](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::chunked;
    server.respond(head);
  });
  const std::string heard = fixture.exchange(get("/"));
  CHECK(heard.find("0\r\n\r\n") == std::string::npos);
  fixture.turns.advance(10s);
  CHECK(fixture.over);
  CHECK((fixture.client.ended() || fixture.client.broken()));
}

TEST_CASE("server connection: a large request body waits while nobody reads it") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.wire->to_second.capacity = 64 * 1024;
  const size_t size = 3'000'000;
  fixture.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                   std::string(size, 'x'));
  CHECK(fixture.wire->second_paused);
  CHECK(fixture.server->request_body().bytes() <= 512 * 1024);
  size_t received = 0;
  while (!fixture.server->request_body().at_end()) {
    REQUIRE(fixture.server->request_body().has_bytes());
    received += fixture.server->request_body().take().size();
    fixture.turns.settle();
  }
  CHECK(received == size);
  answer(*fixture.server, "done");
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard() == ok("done"));
}

TEST_CASE("server connection: a large response waits while the client does not read it") {
  Fixture fixture([](ServerConnection& server) {
    http::ResponseHead head;
    head.body = BodyKind::length;
    head.content_length = 3'000'000;
    server.respond(head);
  });
  fixture.finish_at_once = false;
  fixture.client.transport().pause();
  fixture.exchange(get("/"));
  size_t pushed = 0;
  base::Channel& body = fixture.server->response_body();
  while (body.has_room() && pushed < 3'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    fixture.turns.settle();
  }
  CHECK(pushed < 1'000'000);  // the network, the transport and the channel are full
  fixture.client.transport().resume();
  while (pushed < 3'000'000) {
    body.push(base::Chunk::copy_of(std::string(10'000, 'x')));
    pushed += 10'000;
    fixture.turns.settle();
  }
  body.end();
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard().size() ==
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n").size() + pushed);
}

TEST_CASE("server connection: a tunnel gets the bytes that came early, first") {
  std::unique_ptr<net::Transport> tunnel;
  Fixture fixture([&](ServerConnection& server) {
    CHECK(server.request().upgrade == http::Upgrade::websocket);
    http::ResponseHead head;
    head.status = 101;
    tunnel = server.accept_tunnel(head);
  });
  CHECK(fixture.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early bytes") ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  fixture.client.send(", later bytes");
  REQUIRE(tunnel);
  CHECK(fixture.over);
  ScriptedPeer far(std::move(tunnel));
  fixture.turns.settle();
  CHECK(far.heard() == "early bytes, later bytes");
  far.send("and back");
  fixture.turns.settle();
  CHECK(fixture.client.heard() == "and back");
}

TEST_CASE("server connection: a refused upgrade is answered as any request") {
  Fixture fixture(echo_target);
  CHECK(fixture.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n")) == ok("/ws"));
  CHECK(fixture.exchange(get("/next")) == ok("/next"));
}

TEST_CASE("server connection: bytes after an upgrade request that is refused are not taken for a request") {
  Fixture fixture(echo_target);
  CHECK(fixture.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + get("/smuggled")) ==
        ok("/ws", "Connection: close\r\n"));
  CHECK(fixture.targets == std::vector<std::string>{"/ws"});
}

TEST_CASE("server connection: draining lets go of one that rests, and closes after the open exchange") {
  Fixture idle(echo_target);
  idle.exchange(get("/1"));
  idle.server->drain();
  idle.turns.settle();
  CHECK(idle.over);
  Fixture open([](ServerConnection&) {});
  open.finish_at_once = false;
  open.exchange(get("/1"));
  open.server->drain();
  open.turns.settle();
  CHECK_FALSE(open.over);
  answer(*open.server, "last");
  open.finish();
  open.turns.settle();
  CHECK(open.client.heard() == ok("last", "Connection: close\r\n"));
  CHECK(open.over);
}

TEST_CASE("server connection: closing waits for the client's end, but not for ever") {
  Fixture waits(echo_target);
  waits.exchange(get("/1", "Connection: close\r\n"));
  CHECK(waits.over);
  CHECK_FALSE(waits.closed);
  waits.client.finish();
  waits.turns.settle();
  CHECK(waits.closed);
  Fixture lingers(echo_target);
  lingers.exchange(get("/1", "Connection: close\r\n"));
  lingers.turns.advance(4s);
  CHECK_FALSE(lingers.closed);
  lingers.turns.advance(2s);
  CHECK(lingers.closed);
}

TEST_CASE("server connection: one that is dropped at any moment leaves nothing behind") {
  for (std::string_view bytes :
       {"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", "BAD\r\n\r\n"}) {
    Fixture fixture([](ServerConnection&) {});
    fixture.finish_at_once = false;
    fixture.exchange(bytes);
  }
}
