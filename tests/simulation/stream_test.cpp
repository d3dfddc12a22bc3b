// Long answers: event streams, and other responses without a length.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "admin/prometheus.h"
#include "admin/status.h"
#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";

const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string request = "GET /events HTTP/1.1\r\nHost: a.example\r\nAccept: text/event-stream\r\n\r\n";

std::string chunk(std::string_view bytes) {
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

std::string yaml(const std::string& route, const std::string& upstream = "", const std::string& more = "") {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "jwt: { session: { secret: \"" +
         std::string(secret) + "\", algorithms: [HS256] } }\n" + more +
         "upstreams: { app: { endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], " +
         upstream +
         " } }\n"
         "routes:\n"
         "  - { name: events, match: { path: /events }, upstream: app" +
         (route.empty() ? "" : ", " + route) +
         " }\n"
         "  - { name: rest, upstream: app }\n";
}

// The data of each event as a page would get it, computed without any code of the gateway.
std::vector<std::string> events_of(const std::string& stream) {
  std::vector<std::string> events;
  std::string line;
  std::string data;
  for (size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] != '\r' && stream[i] != '\n') {
      line += stream[i];
      continue;
    }
    if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n') ++i;
    if (line.starts_with("data: ")) data += line.substr(6) + "\n";
    if (line.empty() && !data.empty()) events.push_back(std::exchange(data, {}));
    line.clear();
  }
  return events;
}

std::string token(int64_t seconds) {
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret),
                          base::Json{{"sub", "ann"}, {"exp", ProxyFixture::unix_time + seconds}});
}

// One event stream through the whole proxy.
struct StreamFixture {
  explicit StreamFixture(const std::string& route = "", const std::string& upstream = "",
                         const std::string& fields = "", const std::string& head = stream_head)
      : proxy(yaml(route, upstream)) {
    for (const uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = answers(head);
    open(fields);
  }
  TestClient& open(const std::string& fields = "") {
    std::string text = request;
    text.insert(text.size() - 2, fields);
    TestClient& client = proxy.connect();
    client.send(text);
    return client;
  }
  TestClient& client(size_t index = 0) { return *proxy.clients[index]; }
  FakeConnection& endpoint() {
    for (const uint16_t port : {3001, 3002})
      for (const auto& connection : proxy.upstream.at(port).connections)
        if (!connection->requests.empty()) return *connection;
    throw std::runtime_error("no endpoint was asked");
  }
  void says(std::string_view events) {
    endpoint().send(chunk(events));
    proxy.settle();
  }
  // What the client received of the body since the last call, without chunk sizes; "END" where the body
  // ended.
  std::string heard(size_t index = 0) {
    std::string bytes = client(index).take_unread();
    if (const size_t end = bytes.find("\r\n\r\n"); bytes.starts_with("HTTP/")) bytes.erase(0, end + 4);
    std::string body;
    while (!bytes.empty()) {
      const size_t line = bytes.find("\r\n");
      const size_t size = std::stoul(bytes.substr(0, line), nullptr, 16);
      if (size == 0) return body + "END";
      body += bytes.substr(line + 2, size);
      bytes.erase(0, line + 2 + size + 2);
    }
    return body;
  }
  uint64_t gauge(const std::string& route = "events") {
    proxy.streams.count_open();
    const telemetry::RouteSeries* series = proxy.metrics.route(route);
    return series ? (*series)[telemetry::RouteCount::streams_open] : 0;
  }
  std::string ending() {
    const base::Json record = proxy.log.line("stream_close");
    const auto text = [&](const char* key) {
      return record[key].is_null() ? std::string("-") : std::string(record[key]);
    };
    return text("by") + " " + text("cause");
  }

  ProxyFixture proxy;
};

}  // namespace

TEST_CASE("event stream: a silent one lives ten minutes with the usual limits, and its next event arrives") {
  StreamFixture stream;
  CHECK(stream.heard() == "");
  for (int minute = 0; minute < 10; ++minute) stream.proxy.advance(60s);
  CHECK_FALSE(stream.client().over());
  stream.says("data: late\n\n");
  CHECK(stream.heard() == "data: late\n\n");
  CHECK(stream.gauge() == 1);
  CHECK(stream.proxy.streams.size() == 1);
  CHECK(stream.proxy.log_lines("stream_close").empty());
  const base::Json opened = stream.proxy.log.line("stream_open");
  CHECK(opened["route"] == "events");
  CHECK(opened["kind"] == "events");
  CHECK(opened["status"] == 200);

  const telemetry::Totals totals = stream.proxy.metrics.totals();
  const base::Json status = base::Json::parse(admin::status_json(admin::Health::serving, totals));
  CHECK(status["streams_open"] == 1);
  CHECK(status["streams"] == base::Json::array({{{"route", "events"}, {"open", 1}}}));
  const std::string metrics = admin::prometheus_text(totals);
  CHECK(metrics.find("postern_streams_open 1\n") != metrics.npos);
  CHECK(metrics.find("postern_route_streams_open{route=\"events\"} 1\n") != metrics.npos);

  stream.endpoint().send("0\r\n\r\n");
  stream.proxy.settle();
  CHECK(stream.heard() == "END");
  CHECK(stream.ending() == "upstream -");
  CHECK(stream.gauge() == 0);
  CHECK(stream.proxy.streams.size() == 0);
  const base::Json record = stream.proxy.log.line("stream_close");
  CHECK(record["events"] == 1);
  CHECK(record["meaning"] == "ended by the endpoint in good order");
  CHECK(stream.proxy.log_lines("exchange").empty());
}

TEST_CASE("event stream: its length, its type and its case do not matter for what it is") {
  for (const std::string& head :
       {std::string("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream ;x=y\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n")}) {
    CAPTURE(head);
    StreamFixture stream("", "", "", head);
    stream.proxy.advance(90s);
    CHECK(stream.gauge() == 1);
    CHECK_FALSE(stream.client().over());
  }
}

TEST_CASE("event stream: a client that leaves is found, and its endpoint is let go") {
  for (const bool reset : {false, true}) {
    StreamFixture stream;
    stream.proxy.advance(90s);
    reset ? stream.client().peer().reset() : stream.client().peer().leave();
    stream.proxy.settle();
    CHECK(stream.ending() == "client client_closed");
    CHECK(stream.endpoint().gateway_closed());
    CHECK(stream.gauge() == 0);
  }
}

TEST_CASE("event stream: a client that leaves behind more than is read of it is found all the same") {
  for (const bool reset : {false, true}) {
    for (const bool before : {false, true}) {  // the client had left when this much had arrived
      StreamFixture stream;
      stream.says("data: x\n\n");
      if (before) stream.client().wire().to_second.stalled = true;
      stream.client().send(std::string(200'000, 'x'));
      reset ? stream.client().peer().reset() : stream.client().peer().finish();
      stream.client().wire().to_second.stalled = false;
      stream.proxy.settle();
      CHECK(stream.ending() == "client client_closed");
      CHECK(stream.endpoint().gateway_closed());
    }
  }
}

TEST_CASE("event stream: a client that has vanished takes nothing, and is given up") {
  StreamFixture stream;
  stream.proxy.advance(90s);
  stream.client().wire().to_first.stalled = true;
  stream.says("data: one\n\n");
  stream.proxy.advance(45s);
  CHECK(stream.proxy.log_lines("stream_close").empty());
  stream.proxy.advance(40s);
  CHECK(stream.ending() == "client client_timed_out");
  CHECK(stream.endpoint().gateway_closed());
  CHECK(stream.proxy.log.line("stream_close")["detail"] == "no byte of the body was taken for 60000 ms");
}

TEST_CASE("event stream: a client that takes events late, but takes them, stays") {
  StreamFixture stream;
  for (int i = 0; i < 8; ++i) {
    stream.client().wire().to_first.stalled = true;
    stream.says("data: x\n\n");
    stream.proxy.advance(40s);
    stream.client().wire().to_first.stalled = false;
    stream.proxy.advance(20s);
  }
  CHECK(stream.proxy.log_lines("stream_close").empty());
}

TEST_CASE("event stream: a client whose full window opens in steps stays") {
  StreamFixture stream;
  Passage& way = stream.client().wire().to_first;
  way.stalled = true;
  way.capacity = 64 * 1024;
  way.pieces = {64 * 1024};
  // More than the buffers on the way take at a time.
  stream.says("data: " + std::string(120'000, 'x') + "\n\n");
  stream.proxy.advance(100s);
  CHECK(stream.proxy.log_lines("stream_close").empty());
  way.stalled = false;
  stream.proxy.advance(1s);
  way.stalled = true;
  stream.says("data: " + std::string(120'000, 'x') + "\n\n");
  stream.proxy.advance(6min);
  CHECK(stream.ending() == "client client_timed_out");
}

TEST_CASE("event stream: an endpoint that breaks is named") {
  StreamFixture stream;
  stream.endpoint().reset();
  stream.proxy.settle();
  CHECK(stream.ending() == "upstream upstream_closed");
  CHECK(stream.client().over());
}

TEST_CASE("event stream: timeouts.stream_idle ends it, and the remedy names that key") {
  StreamFixture stream("", "timeouts: { stream_idle: 2m }");
  stream.proxy.advance(110s);
  stream.says("data: x\n\n");
  stream.proxy.advance(110s);
  CHECK(stream.proxy.log_lines("stream_close").empty());
  stream.proxy.advance(15s);
  CHECK(stream.ending() == "upstream upstream_stream_silent");
  const base::Json record = stream.proxy.log.line("stream_close");
  CHECK(std::string(record["remedy"]).find("timeouts.stream_idle") != std::string::npos);
  CHECK(record["detail"] == "no byte came for 120000 ms, see timeouts.stream_idle of upstream app");
}

TEST_CASE("ordinary answer: one with a length keeps the idle limit, whose key is named") {
  StreamFixture stream("", "", "",
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\nab");
  stream.proxy.advance(65s);
  const base::Json record = stream.proxy.log.line("exchange");
  CHECK(record["cause"] == "upstream_timed_out");
  CHECK(record["detail"] == "no byte of the response came for 60000 ms, see timeouts.idle of upstream app");
  CHECK(std::string(record["remedy"]).find("timeouts.idle") != std::string::npos);
}

TEST_CASE("long answer: one without a length of another type is long after ten seconds") {
  StreamFixture stream("", "", "",
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n2\r\n[1\r\n");
  stream.proxy.advance(9s);
  CHECK(stream.gauge() == 0);
  stream.proxy.advance(2s);
  CHECK(stream.gauge() == 1);
  CHECK(stream.proxy.log.line("stream_open")["kind"] == "answer");
  stream.proxy.advance(10min);
  stream.endpoint().send(chunk(",2]") + "0\r\n\r\n");
  stream.proxy.settle();
  CHECK(stream.heard() == "[1,2]END");
  CHECK(stream.ending() == "upstream -");
  CHECK(stream.proxy.log.line("stream_close")["response_bytes"] == 5);
}

TEST_CASE("long answer: what is cut stays visibly cut, and stream_idle has a say") {
  StreamFixture stream("", "timeouts: { idle: 5s, stream_idle: 30s }", "",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n");
  for (int i = 0; i < 4; ++i) {
    stream.proxy.advance(4s);
    stream.says(",1");
  }
  stream.proxy.advance(25s);
  CHECK(stream.proxy.log_lines("stream_close").empty());
  stream.proxy.advance(10s);
  CHECK(stream.ending() == "upstream upstream_stream_silent");
  CHECK(stream.heard().find("END") == std::string::npos);
  CHECK(stream.client().over());
}

TEST_CASE("long answer: one that ends within ten seconds is an exchange like any other") {
  StreamFixture stream("", "", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n");
  stream.proxy.advance(9s);
  stream.endpoint().send("0\r\n\r\n");
  stream.proxy.advance(5s);
  CHECK(stream.proxy.log.line("exchange")["status"] == 200);
  CHECK(stream.proxy.log_lines("stream_open").empty());
}

// --- how the gateway ends a stream ---

TEST_CASE("event stream: the end of its token ends it between two events") {
  StreamFixture stream("jwt: session", "", "Authorization: Bearer " + token(300) + "\r\n");
  stream.says("data: one\n\ndata: two\n");
  stream.proxy.advance(361s);  // with the leeway of jwt
  CHECK(stream.heard().find("END") == std::string::npos);
  stream.says("\ndata: three\n\ndata: four");
  CHECK(stream.heard() == "\ndata: three\n\nEND");
  CHECK(stream.ending() == "gateway token_expired");
  CHECK(stream.endpoint().gateway_closed());
}

TEST_CASE("event stream: the end of its token ends a silent one at once, or not where the route keeps it") {
  for (const bool keep : {false, true}) {
    StreamFixture stream(
        std::string("jwt: session, event_streams: { on_token_expiry: ") + (keep ? "keep" : "close") + " }",
        "", "Authorization: Bearer " + token(300) + "\r\n");
    stream.proxy.advance(295s);
    CHECK(stream.heard() == "");
    stream.proxy.advance(70s);
    CHECK(stream.heard() == (keep ? "" : "END"));
  }
}

TEST_CASE("event stream: the end of its token ends a busy one, however slowly its client reads") {
  for (const size_t rate : {400, 2'000, 50'000}) {
    CAPTURE(rate);
    StreamFixture stream("jwt: session", "", "Authorization: Bearer " + token(300) + "\r\n");
    Passage& passage = stream.client().wire().to_first;
    passage.capacity = 4096;
    passage.pieces = {rate};
    int seconds = 0;
    for (; seconds < 400 && !stream.endpoint().gateway_closed(); ++seconds) {
      stream.endpoint().send(chunk("data: " + std::string(5'000, 'x') + "\n\n"));
      stream.proxy.advance(1s);
      const uint64_t before = passage.delivered;
      passage.stalled = false;
      while (passage.delivered < before + rate && stream.proxy.turns.step()) {
      }
      passage.stalled = true;
    }
    CHECK(seconds > 355);  // a minute's leeway
    CHECK(seconds < 375);
    passage.stalled = false;  // the bytes before it are not delivered yet
    stream.proxy.settle();
    CHECK(stream.heard().ends_with("\n\nEND"));
    CHECK(stream.ending() == "gateway token_expired");
  }
}

TEST_CASE("event stream: a grace after the end of its token, and a maximum age without one") {
  StreamFixture stream("jwt: session, event_streams: { token_grace: 1m }", "",
                       "Authorization: Bearer " + token(300) + "\r\n");
  stream.proxy.advance(400s);
  CHECK(stream.heard() == "");
  stream.proxy.advance(25s);
  CHECK(stream.heard() == "END");
  StreamFixture old("event_streams: { max_age: 1h }");
  old.says("data: one\n\ndata: two\n");
  old.proxy.advance(1h + 1s);
  CHECK(old.heard().find("END") == std::string::npos);
  old.says("\ndata: three\n\n");
  CHECK(old.heard() == "\ndata: three\n\nEND");
  CHECK(old.ending() == "gateway max_age_reached");
}

TEST_CASE("event stream: an event that does not end is cut, visibly") {
  StreamFixture stream("jwt: session", "", "Authorization: Bearer " + token(300) + "\r\n");
  stream.says("data: never");
  stream.proxy.advance(361s + 15s);
  CHECK(stream.heard() == "data: never");
  CHECK(stream.client().over());
  CHECK(stream.ending() == "gateway token_expired");
}

TEST_CASE("event stream: a compressed one has no boundaries that can be seen: it is cut") {
  StreamFixture stream("jwt: session, event_streams: { comment_interval: 5s }", "",
                       "Authorization: Bearer " + token(300) + "\r\n",
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n");
  stream.says("\n\n");
  stream.proxy.advance(200s);
  CHECK(stream.heard() == "\n\n");  // no comment
  stream.proxy.advance(170s);
  CHECK(stream.client().over());
  CHECK(stream.ending() == "gateway token_expired");
}

TEST_CASE("event stream: a reload that removes or changes its route ends it at the pace, the oldest first") {
  for (const bool removed : {false, true}) {
    CAPTURE(removed);
    StreamFixture stream;
    for (int i = 1; i < 50; ++i) stream.open();
    for (int i = 0; i < 50; ++i) CHECK(stream.heard(i) == "");
    std::string changed = yaml("host: preserve");
    if (removed) changed = ProxyFixture::two_endpoints;
    stream.proxy.adopt(changed);
    const auto ended = [&] {
      return std::count_if(stream.proxy.clients.begin(), stream.proxy.clients.end(), [](const auto& client) {
        return client->unread().find("0\r\n\r\n") != std::string::npos;
      });
    };
    stream.proxy.advance(1s);
    CHECK(ended() >= 9);
    CHECK(ended() <= 12);
    CHECK(stream.client(0).unread() == "0\r\n\r\n");
    CHECK(stream.client(49).unread() == "");
    stream.proxy.advance(5s);
    CHECK(ended() == 50);
    CHECK(stream.proxy.streams.size() == 0);
    for (const base::Json& line : stream.proxy.log_lines("stream_close")) {
      CHECK(line["cause"] == "route_changed");
      CHECK(line["by"] == "gateway");
    }
  }
}

TEST_CASE("event stream: a reload that changes nothing for it leaves it alone") {
  StreamFixture stream;
  for (const std::string& other :
       {yaml("websocket: { ping_interval: 5s }"), yaml("event_streams: { open: { per_client: 1 } }"),
        yaml("", "balance: random")}) {
    stream.proxy.adopt(other);
    stream.proxy.advance(30s);
    stream.says("data: x\n\n");
    CHECK(stream.heard() == "data: x\n\n");
  }
  stream.proxy.adopt(yaml("event_streams: { comment_interval: 15s }"));
  stream.proxy.advance(2s);
  CHECK(stream.heard() == "END");
}

TEST_CASE("event stream: a reload that takes its endpoint away ends it") {
  StreamFixture stream;
  std::string other = yaml("");
  for (size_t at = other.find(":300"); at != other.npos; at = other.find(":300", at + 1)) other[at + 3] = '1';
  stream.proxy.adopt(other);
  stream.proxy.advance(2s);
  CHECK(stream.heard() == "END");
  CHECK(stream.ending() == "gateway route_changed");
}

TEST_CASE("event stream: a shutdown ends it at the pace, within its event when that does not end") {
  StreamFixture stream;
  stream.open();
  stream.says("data: half");
  stream.proxy.tunnels.leave({0, 10, 60s});
  stream.proxy.advance(1s);
  CHECK(stream.heard(1) == "END");
  CHECK(stream.heard(0) == "data: half");
  CHECK_FALSE(stream.client(0).over());
  stream.says("\n\nmore");
  CHECK(stream.heard(0) == "\n\nEND");
  for (const base::Json& line : stream.proxy.log_lines("stream_close"))
    CHECK(line["cause"] == "shutting_down");
}

// --- comments ---

TEST_CASE("event stream: a silent one gets comments, between events alone") {
  StreamFixture stream("event_streams: { comment_interval: 15s }");
  stream.proxy.advance(16s);
  CHECK(stream.heard() == ":\n\n");
  stream.says("data: on");
  stream.proxy.advance(40s);
  CHECK(stream.heard() == "data: on");
  stream.says("e\n\n");
  stream.proxy.advance(10s);
  CHECK(stream.heard() == "e\n\n");
  stream.says("id: 1\r\n\r\n");
  stream.proxy.advance(10s);
  CHECK(stream.heard() == "id: 1\r\n\r\n");
  stream.proxy.advance(6s);
  CHECK(stream.heard() == ":\n\n");
  stream.endpoint().send("0\r\n\r\n");
  stream.proxy.settle();
  CHECK(stream.proxy.log.line("stream_close")["comments"] == 2);
  CHECK(stream.proxy.log.line("stream_close")["events"] == 2);
}

TEST_CASE("event stream: however its bytes come, comments change none of its events") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    std::string sent;
    for (int event = 0; event < 6; ++event) {
      const std::string end = std::array{"\n", "\r\n", "\r"}[below(3)];
      for (uint32_t line = 0; line <= below(3); ++line)
        sent += "data: " + std::to_string(event) + "." + std::to_string(line) + end;
      sent += end;
    }
    StreamFixture stream("event_streams: { comment_interval: 5s }");
    std::string got;
    for (size_t at = 0; at < sent.size();) {
      const size_t size = std::min<size_t>(1 + below(9), sent.size() - at);
      stream.says(std::string_view(sent).substr(at, size));
      at += size;
      got += stream.heard();
      if (below(3) == 0) stream.proxy.advance(6s);
      got += stream.heard();
    }
    stream.endpoint().send("0\r\n\r\n");
    stream.proxy.settle();
    const uint64_t comments = stream.proxy.log.line("stream_close")["comments"];
    CHECK(got.size() == sent.size() + 3 * comments);
    CHECK(events_of(got) == events_of(sent));
  }
}

TEST_CASE("event stream: no comments where the route asks for none") {
  StreamFixture stream;
  stream.proxy.advance(300s);
  CHECK(stream.heard() == "");
}

// --- limits ---

TEST_CASE("event stream: so many of one client, and of one subject; others and other answers pass") {
  StreamFixture stream("event_streams: { open: { per_client: 2 } }");
  stream.open();
  TestClient& third = stream.open();
  const HttpMessage refused = third.response();
  CHECK(refused.start == "HTTP/1.1 429 Too Many Requests");
  CHECK(stream.proxy.log.line("exchange")["cause"] == "too_many_streams");
  CHECK(stream.proxy.log.line("exchange")["detail"] == "the client has 2 open");
  TestClient& other = stream.proxy.connect({.address = "203.0.113.10"});
  other.send(request);
  CHECK(other.unread().starts_with("HTTP/1.1 200"));
  stream.client(0).peer().leave();
  stream.proxy.settle();
  CHECK(stream.open().unread().starts_with("HTTP/1.1 200"));
  for (const uint16_t port : {3001, 3002})
    stream.proxy.upstream.at(port).behaviour = answers(response_text("{}"));
  CHECK(stream.open().response().body == "{}");

  StreamFixture named("jwt: session, event_streams: { open: { per_subject: 1 } }", "",
                      "Authorization: Bearer " + token(300) + "\r\n");
  TestClient& second = named.proxy.connect({.address = "203.0.113.10"});
  second.send("GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token(400) + "\r\n\r\n");
  CHECK(second.response().start == "HTTP/1.1 429 Too Many Requests");
}

// --- what is forwarded to endpoints ---

TEST_CASE("event stream: Last-Event-ID goes on to the endpoint that is tried next") {
  ProxyFixture proxy(yaml(""));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = answers(stream_head);
  TestClient& client = proxy.connect();
  client.send("GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 41\r\n\r\n");
  client.send("");
  const auto& asked = proxy.upstream.at(3002).last().requests;
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].field("Last-Event-ID") == "41");

  ProxyFixture reset(yaml(""));  // after the request was sent
  reset.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (connection.take_request()) connection.reset();
  };
  reset.upstream.at(3002).behaviour = answers(stream_head);
  for (int i = 0; i < 2; ++i)
    reset.connect().send("GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 42\r\n\r\n");
  CHECK(reset.upstream.at(3002).request_count() == 2);
  for (const auto& connection : reset.upstream.at(3002).connections)
    for (const HttpMessage& message : connection->requests) CHECK(message.field("Last-Event-ID") == "42");
}
