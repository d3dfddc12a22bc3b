#include "http1/writer.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "http1/body_writer.h"
#include "support/memory_transport.h"

namespace {

using namespace postern;
using http::BodyKind;
using Progress = http1::BodyWriter::Progress;
using support::TurnFixture;

http::RequestHead request(std::string_view method, std::string_view target) {
  http::RequestHead head;
  head.method = http::method_of(method);
  head.method_text = method;
  head.target = target;
  head.headers.add("Host", "a");
  return head;
}

std::string text_of(const base::Chunk& chunk) { return std::string(chunk.text()); }

// A body writer between a channel and a client in memory.
struct Fixture {
  TurnFixture turns;
  support::MemoryPair pair = support::connect_in_memory(turns);
  support::ScriptedPeer reader{std::move(pair.second)};
  base::Channel channel{10'000'000};
  http1::BodyWriter writer;
  http::Headers trailers;

  Progress advance() {
    const Progress progress = writer.advance(channel, *pair.first, trailers);
    turns.settle();
    return progress;
  }
  void push(std::string_view text) { channel.push(base::Chunk::copy_of(text)); }
};

}  // namespace

TEST_CASE("writer: a request is written with the framing its head decides") {
  http::RequestHead head = request("GET", "/p?q");
  head.headers.add("X-A", "b");
  CHECK(text_of(http1::write_request(head)) == "GET /p?q HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");

  http::RequestHead post = request("POST", "/");
  CHECK(text_of(http1::write_request(post)) == "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  post.body = BodyKind::length;
  post.content_length = 12345678901234567890u;
  CHECK(text_of(http1::write_request(post)) ==
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12345678901234567890\r\n\r\n");
  post.body = BodyKind::chunked;
  CHECK(text_of(http1::write_request(post)) ==
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");

  http::RequestHead deleting = request("DELETE", "/");
  CHECK(text_of(http1::write_request(deleting)) == "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("writer: framing and connection fields of a head's list are passed over") {
  http::RequestHead head = request("GET", "/");
  for (std::string_view name : {"Content-Length", "TRANSFER-ENCODING", "connection", "Keep-Alive", "Upgrade"})
    head.headers.add(name, "smuggled");
  CHECK(text_of(http1::write_request(head)) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  http::ResponseHead response;
  for (std::string_view name : {"Content-Length", "TRANSFER-ENCODING", "connection", "Keep-Alive", "Upgrade"})
    response.headers.add(name, "smuggled");
  CHECK(text_of(http1::write_response(response, {})) == "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_CASE("writer: a WebSocket request gets its upgrade fields") {
  http::RequestHead head = request("GET", "/ws");
  head.upgrade = http::Upgrade::websocket;
  CHECK(text_of(http1::write_request(head)) ==
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("writer: a response is written with the framing it is told") {
  http::ResponseHead head;
  head.status = 404;
  head.headers.add("X-A", "b");
  CHECK(text_of(
            http1::write_response(head, {.body = BodyKind::length, .content_length = 7, .connection = {}})) ==
        "HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 7\r\n\r\n");
  CHECK(text_of(http1::write_response(
            head, {.body = BodyKind::chunked, .content_length = 0, .connection = "close"})) ==
        "HTTP/1.1 404 Not Found\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  CHECK(text_of(http1::write_response(
            head, {.body = BodyKind::until_close, .content_length = 0, .connection = {}})) ==
        "HTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\n");
  head.status = 299;
  CHECK(text_of(http1::write_response(head, {})) == "HTTP/1.1 299 \r\nX-A: b\r\n\r\n");
  head.reason = "As It Came";
  CHECK(text_of(http1::write_response(head, {})) == "HTTP/1.1 299 As It Came\r\nX-A: b\r\n\r\n");
}

TEST_CASE("writer: 426 names the protocol to upgrade to") {
  http::ResponseHead head;
  head.status = 426;
  CHECK(text_of(http1::write_response(
            head, {.body = BodyKind::none, .content_length = 0, .connection = "close"})) ==
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n");
}

TEST_CASE("writer: interim and switching heads") {
  http::ResponseHead head;
  head.status = 103;
  head.headers.add("Link", "</a>");
  CHECK(text_of(http1::write_interim(head)) == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  http::ResponseHead switching;
  switching.status = 101;
  switching.headers.add("Sec-WebSocket-Accept", "x");
  switching.headers.add("Connection", "upgrade");
  CHECK(text_of(http1::write_switching(switching)) ==
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: "
        "websocket\r\n\r\n");
}

TEST_CASE("writer: a very long head is written whole") {
  http::RequestHead head = request("PROPFIND", "/");
  const std::string target = "/" + std::string(100'000, 't');
  const std::string value(200'000, 'v');
  head.target = target;
  head.headers.add("X", value);
  CHECK(text_of(http1::write_request(head)) ==
        "PROPFIND " + target + " HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n");
}

TEST_CASE("writer: chunk sizes are hexadecimal, the last chunk carries the trailers") {
  CHECK(text_of(http1::write_chunk_size(1)) == "1\r\n");
  CHECK(text_of(http1::write_chunk_size(0x1a2b)) == "1a2b\r\n");
  CHECK(text_of(http1::write_chunk_size(SIZE_MAX)) == "ffffffffffffffff\r\n");
  http::Headers trailers;
  CHECK(text_of(http1::write_last_chunk(trailers)) == "0\r\n\r\n");
  trailers.add("X-Sum", "1");
  CHECK(text_of(http1::write_last_chunk(trailers)) == "0\r\nX-Sum: 1\r\n\r\n");
}

TEST_CASE("body writer: a body of known length goes out as it is") {
  Fixture fixture;
  fixture.writer.begin(BodyKind::length, 10, false);
  fixture.push("hello");
  CHECK(fixture.advance() == Progress::waiting);
  CHECK(fixture.reader.heard() == "hello");
  fixture.push("world");
  fixture.channel.end();
  CHECK(fixture.advance() == Progress::complete);
  CHECK(fixture.reader.heard() == "helloworld");
}

TEST_CASE("body writer: a body that does not have the announced length is broken") {
  {
    Fixture fixture;
    fixture.writer.begin(BodyKind::length, 4, false);
    fixture.push("hello");
    CHECK(fixture.advance() == Progress::broken);
    CHECK(fixture.reader.heard().empty());
  }
  Fixture fixture;
  fixture.writer.begin(BodyKind::length, 6, false);
  fixture.push("hello");
  fixture.channel.end();
  CHECK(fixture.advance() == Progress::broken);
}

TEST_CASE("body writer: a chunked body goes out in chunks, with trailers") {
  Fixture fixture;
  fixture.writer.begin(BodyKind::chunked, 0, false);
  fixture.push("hello");
  fixture.push(std::string(16, 'x'));
  CHECK(fixture.advance() == Progress::waiting);
  fixture.trailers.add("X-Sum", "1");
  fixture.channel.end();
  CHECK(fixture.advance() == Progress::complete);
  CHECK(fixture.reader.heard() ==
        "5\r\nhello\r\n10\r\n" + std::string(16, 'x') + "\r\n0\r\nX-Sum: 1\r\n\r\n");
}

TEST_CASE("body writer: an aborted chunked body never gets its last chunk") {
  Fixture fixture;
  fixture.writer.begin(BodyKind::chunked, 0, false);
  fixture.push("begun");
  fixture.channel.abort(base::Error{base::Cause::upstream_closed, base::Stage::response_body});
  CHECK(fixture.advance() == Progress::broken);
  CHECK(fixture.reader.heard().find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("body writer: a hidden body is emptied and nothing is written") {
  Fixture fixture;
  fixture.writer.begin(BodyKind::chunked, 0, true);
  fixture.push("secret");
  fixture.channel.end();
  CHECK(fixture.advance() == Progress::complete);
  CHECK(fixture.reader.heard().empty());
}

TEST_CASE("body writer: no body means no bytes") {
  Fixture empty;
  empty.writer.begin(BodyKind::none, 0, false);
  empty.channel.end();
  CHECK(empty.advance() == Progress::complete);
  Fixture full;
  full.writer.begin(BodyKind::none, 0, false);
  full.push("x");
  CHECK(full.advance() == Progress::broken);
  CHECK(full.reader.heard().empty());
}

TEST_CASE("body writer: it stops at the transport's high water and goes on later") {
  Fixture fixture;
  fixture.reader.transport().pause();
  fixture.writer.begin(BodyKind::until_close, 0, false);
  const std::string piece(10'000, 'x');
  for (int i = 0; i < 200; ++i) fixture.push(piece);  // 2 MB
  fixture.channel.end();
  for (int i = 0; i < 10; ++i) CHECK(fixture.advance() == Progress::waiting);
  CHECK(fixture.channel.bytes() > 1'500'000);
  CHECK(fixture.pair.first->backlog() <= net::Transport::high_water + piece.size());
  fixture.reader.transport().resume();
  fixture.turns.settle();
  Progress progress = Progress::waiting;
  for (int i = 0; i < 100 && progress == Progress::waiting; ++i) progress = fixture.advance();
  CHECK(progress == Progress::complete);
  CHECK(fixture.reader.heard().size() == 2'000'000);
}

TEST_CASE("writer: a response head has room for a small body behind it") {
  for (uint64_t length : {uint64_t{0}, uint64_t{200}, uint64_t{512}}) {
    http::ResponseHead head;
    head.status = 200;
    head.headers.add("Content-Type", "text/plain");
    const base::Chunk written = http1::write_response(head, {http::BodyKind::length, length, {}});
    CHECK(written.room() >= length);
  }
}
