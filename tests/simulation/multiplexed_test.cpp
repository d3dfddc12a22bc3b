// Many streams on one connection, on both sides of the gateway: what HTTP/1.1 cannot show. The gateway is
// spoken to in the multiplexed protocol of the tests, whatever the protocol of the run.
#include <doctest/doctest.h>

#include "support/multiplexed_stream.h"
#include "support/proxy_fixture.h"
#include "support/watched_task.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

// A client that speaks the multiplexed protocol itself, on one connection.
class StreamsClient final : private server::ClientConnection::Owner {
 public:
  explicit StreamsClient(ProxyFixture& proxy) : StreamsClient(proxy, connect_in_memory(proxy.turns)) {}

  bool gone() const { return gateway_ == nullptr; }
  MultiplexedUpstream& streams() { return streams_; }
  server::ClientConnection& gateway() { return *gateway_; }

 private:
  StreamsClient(ProxyFixture& proxy, MemoryPair pair)
      : proxy_(proxy), streams_(proxy.turns, std::move(pair.first)) {
    http::ClientFacts facts;
    facts.peer.ip = *base::IpAddress::parse("203.0.113.9");
    facts.peer_text = "203.0.113.9";
    gateway_ = std::make_unique<server::ClientConnection>(proxy.current, std::move(pair.second),
                                                          std::move(facts), proxy.listener, nullptr);
    server::ClientConnection::Owner& self = *this;
    gateway_->begin(self);
  }
  void on_task_ended(server::ClientConnection::Ended) override {
    proxy_.turns.turn.graveyard.bury(std::move(gateway_));
  }

  ProxyFixture& proxy_;
  MultiplexedUpstream streams_;
  std::unique_ptr<server::ClientConnection> gateway_;
};

http::RequestHead request_to(std::string_view target, std::string_view method = "GET") {
  http::RequestHead head;
  head.method_text = method;
  head.method = http::method_of(method);
  head.target = target;
  head.authority = "app.example";
  head.headers.add("Host", "app.example");
  return head;
}

// One request of a client, and what has come of its response so far.
class Asked {
 public:
  Asked(ProxyFixture& proxy, StreamsClient& client, const http::RequestHead& head, bool ends = true)
      : proxy_(proxy), client_(client), stream(client.streams().open_stream()), scope_(proxy.turns.turn) {
    stream.send(head);
    if (ends) stream.request_body().end();
    proxy_.settle();
  }
  ~Asked() {
    if (!closed_) reset();
  }
  // The client wants no response any more.
  void reset() {
    reading_.reset();
    closed_ = true;
    client_.streams().close_stream(stream);
    proxy_.settle();
  }
  // Takes what comes, from now on. Before this call, the peer has one window, and what a channel holds.
  void read() {
    reading_.emplace(receive());
    proxy_.settle();
  }

 private:
  ProxyFixture& proxy_;
  StreamsClient& client_;

 public:
  MultiplexedUpstreamStream& stream;
  int status = 0;
  std::string body;
  bool whole = false;
  std::optional<base::Error> error;

 private:
  base::Task<bool> receive() {
    base::Result<http::ResponseHead> head = co_await stream.response().take(scope_);
    if (!head) {
      error = head.error();
      co_return false;
    }
    status = head->status;
    for (;;) {
      base::Result<base::Chunk> chunk = co_await stream.response_body().read(scope_);
      if (!chunk) {
        error = chunk.error();
        co_return false;
      }
      if (chunk->empty()) break;
      body += chunk->text();
    }
    whole = true;
    co_return true;
  }

  base::Scope scope_;
  std::optional<WatchedTask<bool>> reading_;
  bool closed_ = false;
};

const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// The connection of the endpoint on which it was asked for `target`.
FakeConnection& asked_for(ProxyFixture& proxy, std::string_view target) {
  for (const auto& connection : proxy.upstream.at(3001).connections)
    for (const HttpMessage& request : connection->requests)
      if (request.target() == target) return *connection;
  throw std::runtime_error("the endpoint was not asked for " + std::string(target));
}

void says(ProxyFixture& proxy, std::string_view target, const std::string& text) {
  asked_for(proxy, target).send(text);
  proxy.settle();
}

std::string chunk(std::string_view bytes) {
  const std::string text = chunked_text(bytes, bytes.size());
  return text.substr(0, text.size() - std::string_view("0\r\n\r\n").size());
}
constexpr const char* last_chunk = "0\r\n\r\n";

struct TwoStreams {
  TwoStreams() {
    proxy.upstream.at(3001).behaviour = says_nothing();
    first.emplace(proxy, client, request_to("/first"));
    second.emplace(proxy, client, request_to("/second"));
  }
  ProxyFixture proxy{ProxyFixture::one_endpoint, Protocol::multiplexed};
  StreamsClient client{proxy};
  std::optional<Asked> first;
  std::optional<Asked> second;
};

}  // namespace

TEST_CASE("multiplexed: two exchanges interleave on one connection of the client and one to the endpoint") {
  TwoStreams two;
  two.first->read();
  two.second->read();
  for (const char* target : {"/first", "/second"}) says(two.proxy, target, chunked_head);
  std::string first;
  std::string second;
  for (const char* piece : {"one", "two", "three"}) {
    says(two.proxy, "/second", chunk(piece));
    CHECK(two.second->body == (second += piece));
    CHECK(two.first->body == first);
    says(two.proxy, "/first", chunk(piece));
    CHECK(two.first->body == (first += piece));
  }
  says(two.proxy, "/second", last_chunk);
  CHECK(two.second->whole);
  CHECK_FALSE(two.first->whole);
  says(two.proxy, "/first", last_chunk);
  CHECK(two.first->whole);
  CHECK(two.proxy.upstream.relay_count() == 1);
  CHECK_FALSE(two.client.gone());
  REQUIRE(two.proxy.log_lines("exchange").size() == 2);
  CHECK(two.proxy.log_lines("exchange")[0]["target"] == "/second");
}

TEST_CASE("multiplexed: a client that resets one stream goes on with the other") {
  TwoStreams two;
  two.second->read();
  two.first->reset();
  CHECK(asked_for(two.proxy, "/first").gateway_closed());
  CHECK(two.proxy.log.line("exchange")["cause"] == "client_closed");
  says(two.proxy, "/second", response_text("here"));
  CHECK(two.second->whole);
  CHECK(two.second->body == "here");
  CHECK(two.proxy.upstream.relay_count() == 1);
  CHECK_FALSE(two.client.gone());
}

TEST_CASE("multiplexed: an endpoint that resets one stream goes on with the other") {
  TwoStreams two;
  two.first->read();
  two.second->read();
  says(two.proxy, "/first", chunked_head + chunk("half"));
  asked_for(two.proxy, "/first").reset();
  two.proxy.settle();
  CHECK(two.first->body == "half");
  CHECK(two.first->error.has_value());
  CHECK(two.proxy.log.line("exchange")["cause"] == "upstream_closed");
  says(two.proxy, "/second", response_text("here"));
  CHECK(two.second->whole);
  Asked third(two.proxy, two.client, request_to("/third"));
  third.read();
  says(two.proxy, "/third", response_text("as well"));
  CHECK(third.body == "as well");
  CHECK(two.proxy.upstream.relay_count() == 1);
}

TEST_CASE("multiplexed: a client that grants no window for one response gets the other one whole") {
  TwoStreams two;
  const std::string body = counted_bytes(2'000'000);
  two.first->stream.line()->hold_credit();
  two.first->read();
  two.second->read();
  says(two.proxy, "/first", response_text(body));
  CHECK(two.first->body.size() == stream_window);
  // What the gateway and the relay take of the endpoint is bounded.
  const Wire& held = asked_for(two.proxy, "/first").wire();
  CHECK(held.first_paused);
  CHECK(held.to_first.delivered < 600'000);
  says(two.proxy, "/second", response_text(body));
  CHECK(two.second->whole);
  CHECK(two.second->body == body);
  CHECK(two.first->body.size() == stream_window);
  for (int i = 0; i < 100 && !two.first->whole; ++i) {
    two.first->stream.line()->release(two.first->body.size());
    two.proxy.settle();
  }
  CHECK(two.first->body == body);
  CHECK(two.proxy.upstream.relay_count() == 1);
}

TEST_CASE("multiplexed: an endpoint that grants no window for one upload gets the other one whole") {
  ProxyFixture proxy(ProxyFixture::one_endpoint, Protocol::multiplexed);
  proxy.upstream.at(3001).behaviour =
      answers_with([](const HttpMessage& request) { return response_text(request.body); });
  // Only the first connection of the endpoint reads nothing.
  bool reads = false;
  proxy.upstream.at(3001).conduct = [&](Wire& wire) {
    wire.to_second.stalled = !std::exchange(reads, true);
    wire.to_second.capacity = 16 * 1024;
  };
  StreamsClient client(proxy);
  const std::string body = counted_bytes(400'000);
  http::RequestHead head = request_to("/held", "PUT");
  head.body = http::BodyKind::length;
  head.content_length = body.size();
  Asked held(proxy, client, head, false);
  held.stream.request_body().push(base::Chunk::copy_of(body));
  held.stream.request_body().end();
  proxy.settle();
  CHECK(held.stream.transit().outstanding > 0);
  head.target = "/other";
  Asked other(proxy, client, head, false);
  other.stream.request_body().push(base::Chunk::copy_of(body));
  other.stream.request_body().end();
  other.read();
  CHECK(other.body == body);
  CHECK(held.stream.transit().outstanding > 0);
  proxy.upstream.at(3001).connections.front()->wire().to_second.stalled = false;
  held.read();
  CHECK(held.body == body);
  CHECK(held.stream.transit().outstanding == 0);
  CHECK(proxy.upstream.relay_count() == 1);
}

TEST_CASE("multiplexed: a tunnel is one stream beside others, and ends without them") {
  ProxyFixture proxy(ProxyFixture::one_endpoint, Protocol::multiplexed);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  StreamsClient client(proxy);
  http::RequestHead head = request_to("/socket");
  head.upgrade = http::Upgrade::websocket;
  head.headers.add("Sec-WebSocket-Version", "13");
  Asked socket(proxy, client, head, false);
  REQUIRE(socket.stream.response().filled());
  socket.read();
  CHECK(socket.status == 200);  // a head that opens a tunnel, and no 101
  ScriptedPeer peer(socket.stream.take_tunnel());
  CHECK(proxy.tunnels.size() == 1);

  proxy.upstream.at(3001).behaviour = answers(response_text("beside"));
  Asked beside(proxy, client, request_to("/beside"));
  beside.read();
  CHECK(beside.body == "beside");
  peer.send("to the endpoint");
  proxy.settle();
  CHECK(asked_for(proxy, "/socket").take_unread() == "to the endpoint");
  says(proxy, "/socket", "to the client");
  CHECK(peer.take_heard() == "to the client");
  asked_for(proxy, "/socket").finish();
  proxy.settle();
  CHECK(peer.ended());
  peer.leave();
  proxy.settle();
  CHECK(proxy.tunnels.size() == 0);
  CHECK(asked_for(proxy, "/socket").gateway_closed());
  CHECK_FALSE(client.gone());
  Asked after(proxy, client, request_to("/after"));
  after.read();
  CHECK(after.body == "beside");
  CHECK(proxy.upstream.relay_count() == 1);
}

TEST_CASE("multiplexed: a connection that drains ends with its streams and accepts no others") {
  TwoStreams two;
  two.first->read();
  two.second->read();
  says(two.proxy, "/first", response_text("one"));
  CHECK(two.first->whole);
  two.client.gateway().drain();
  two.proxy.settle();
  CHECK_FALSE(two.client.streams().has_room());
  CHECK_FALSE(two.client.gone());
  says(two.proxy, "/second", response_text("two"));
  CHECK(two.second->body == "two");
  two.proxy.settle();
  CHECK(two.client.gone());
}
