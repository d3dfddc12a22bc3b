#include "admin/admin_server.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "telemetry/finding.h"
#include "unit/net/loop_fixture.h"
#include "unit/server/worker_fixture.h"

using namespace postern;
using namespace postern::admin;
using server::SocketClient;

namespace {

struct Fixture : net::LoopFixture, Source {
  Health health() const override { return state; }
  void collect() override {
    ++collections;
    if (answers) server->give(totals);
  }
  void on_revoked(const RevokeReader& reader) override { revoked += reader.added(); }
  std::unique_ptr<AdminServer> start(const AdminServer::Options& options = {}) {
    auto socket = net::listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(socket);
    Source& self = *this;
    return std::make_unique<AdminServer>(loop, std::move(*socket), self, options);
  }
  ~Fixture() {
    server.reset();
    loop.turn().run();
  }

  // Everything that is received for `request` until the connection ends.
  std::string ask(std::string_view request) {
    SocketClient client(server->address());
    client.send(request);
    REQUIRE(run_until([&] { return client.ended(); }));
    return client.heard();
  }
  std::string get(std::string_view path, std::string_view host = "127.0.0.1:9901") {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) +
               "\r\nConnection: close\r\n\r\n");
  }

  Health state = Health::serving;
  bool answers = true;
  int collections = 0;
  uint64_t revoked = 0;
  telemetry::Totals totals;
  std::unique_ptr<AdminServer> server;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("admin: health follows the process") {
  Fixture fixture;
  fixture.server = fixture.start();
  CHECK(has(fixture.get("/healthz"), "HTTP/1.1 200 OK\r\n"));
  fixture.state = Health::starting;
  CHECK(has(fixture.get("/healthz"), "HTTP/1.1 503 "));
  fixture.state = Health::draining;
  CHECK(has(fixture.get("/healthz"), "\r\n\r\ndraining\n"));
}

TEST_CASE("admin: metrics are the numbers that the source gives") {
  Fixture fixture;
  fixture.totals.process.add(telemetry::Count::tunnels_open, 3);
  fixture.server = fixture.start();
  const std::string answer = fixture.get("/metrics");
  CHECK(has(answer, "HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(has(answer, "\npostern_tunnels_open 3\n"));
}

TEST_CASE("admin: status says what goes on, and what was found with what to do about it") {
  Fixture fixture;
  fixture.totals.process.add(telemetry::Count::tunnels_open, 3);
  fixture.totals.process.add(telemetry::Count::connections_open, 2);
  fixture.totals.routes["chat"].set(telemetry::RouteCount::sockets_silent, 2);
  fixture.totals.routes["fine"];
  fixture.server = fixture.start();
  const std::string answer = fixture.get("/status");
  CHECK(has(answer, "Content-Type: application/json\r\n"));
  const auto status = base::parse_json(answer.substr(answer.find("\r\n\r\n") + 4));
  REQUIRE(status);
  CHECK((*status)["health"] == "serving");
  CHECK((*status)["websockets_open"] == 3);
  // Connections that became WebSockets are not counted.
  CHECK(status->value("http_connections_open", 0) == 2);
  REQUIRE((*status)["findings"].size() == 1);
  const base::Json& finding = (*status)["findings"][0];
  CHECK(finding["finding"] == "silent_route");
  CHECK(finding["route"] == "chat");
  CHECK(finding["sockets"] == 2);
  CHECK(finding["meaning"] == telemetry::silent_route.meaning);
  CHECK(finding["remedy"] == telemetry::silent_route.remedy);
}

TEST_CASE("admin: status shows each endpoint as its workers have it") {
  using telemetry::EndpointState;
  Fixture fixture;
  telemetry::Totals worker;
  worker.endpoint_states[{"api", "http://a:1"}] =
      EndpointState{.up = 1, .in_flight = 2, .connections_idle = 1};
  worker.endpoint_states[{"api", "http://a:2"}] =
      EndpointState{.ejected = 1, .passed_over_for = std::chrono::microseconds(8'199'001)};
  worker.endpoint_states[{"web", "http://w:1"}] = EndpointState{.unhealthy = 1};
  worker.endpoint_states[{"web", "http://w:2"}] = EndpointState{.unreachable = 1};
  worker.endpoints[{"api", "http://a:1"}].add(telemetry::EndpointCount::line_feed, 3);
  fixture.totals.add(worker);
  worker.endpoint_states[{"api", "http://a:2"}] = EndpointState{.up = 1};
  fixture.totals.add(worker);
  fixture.server = fixture.start();
  const std::string answer = fixture.get("/status");
  const auto status = base::parse_json(answer.substr(answer.find("\r\n\r\n") + 4));
  REQUIRE(status);
  const base::Json& upstreams = (*status)["upstreams"];
  REQUIRE(upstreams.size() == 2);
  CHECK(upstreams[0]["upstream"] == "api");
  const base::Json& first = upstreams[0]["endpoints"][0];
  CHECK(first["endpoint"] == "http://a:1");
  CHECK(first["state"] == "up");
  CHECK(first["workers"] == 2);
  CHECK(first["workers_up"] == 2);
  CHECK(first["in_flight"] == 4);
  CHECK(first["connections_idle"] == 2);
  CHECK(first["deviations"] == 6);
  CHECK_FALSE(first.contains("ejected_for_ms"));
  const base::Json& second = upstreams[0]["endpoints"][1];
  CHECK(second["state"] == "ejected");
  CHECK(second["workers_up"] == 1);
  CHECK(second["ejected_for_ms"] == 8200);
  CHECK(upstreams[1]["endpoints"][0]["state"] == "unhealthy");
  CHECK(upstreams[1]["endpoints"][1]["state"] == "unreachable");
}

TEST_CASE("admin: who asks while the workers are being asked waits for the same answer") {
  Fixture fixture;
  fixture.answers = false;
  fixture.server = fixture.start();
  SocketClient first(fixture.server->address());
  SocketClient second(fixture.server->address());
  for (SocketClient* client : {&first, &second})
    client->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  REQUIRE(fixture.run_until([&] { return fixture.server->connections() == 2 && fixture.collections == 1; }));
  fixture.run_idly();
  CHECK(fixture.collections == 1);
  fixture.server->give(fixture.totals);
  REQUIRE(fixture.run_until([&] { return first.ended() && second.ended(); }));
  CHECK(has(first.heard(), "200 OK"));
  CHECK(has(second.heard(), "200 OK"));
  fixture.answers = true;
  CHECK(has(fixture.get("/metrics"), "200 OK"));
  CHECK(fixture.collections == 2);
}

TEST_CASE("admin: workers that do not answer are not waited for without end") {
  Fixture fixture;
  fixture.answers = false;
  AdminServer::Options options;
  options.connection.collect_limit = std::chrono::milliseconds(20);
  fixture.server = fixture.start(options);
  CHECK(has(fixture.get("/metrics"), "HTTP/1.1 503 "));
}

TEST_CASE("admin: nothing but reading, and nothing but what there is") {
  Fixture fixture;
  fixture.server = fixture.start();
  CHECK(has(fixture.get("/"), "/metrics"));
  CHECK(has(fixture.get("/nothing"), "HTTP/1.1 404 "));
  const std::string refused =
      fixture.ask("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  CHECK(has(refused, "HTTP/1.1 405 "));
  CHECK(has(refused, "Allow: GET, HEAD\r\n"));
  CHECK(has(fixture.ask("nonsense\r\n\r\n"), "HTTP/1.1 400 "));
  CHECK(fixture.collections == 0);
}

TEST_CASE("admin: a page that made its own name point here learns nothing") {
  Fixture fixture;
  fixture.server = fixture.start();
  CHECK(has(fixture.get("/metrics", "evil.example"), "HTTP/1.1 400 "));
  CHECK(has(fixture.get("/metrics", "localhost:9901"), "HTTP/1.1 200 "));
  CHECK(has(fixture.get("/metrics", "[::1]:9901"), "HTTP/1.1 200 "));
  fixture.server.reset();
  AdminServer::Options open;
  open.connection.any_host = true;
  fixture.server = fixture.start(open);
  CHECK(has(fixture.get("/metrics", "metrics.internal"), "HTTP/1.1 200 "));
}

TEST_CASE("admin: connections are bounded, and the one that was idle longest makes room") {
  constexpr std::string_view health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Fixture fixture;
  AdminServer::Options options;
  options.connections = 2;
  fixture.server = fixture.start(options);
  SocketClient first(fixture.server->address());
  first.send(health);
  REQUIRE(fixture.run_until([&] { return has(first.heard(), "ok\n"); }));
  SocketClient second(fixture.server->address());
  second.send(health);
  REQUIRE(fixture.run_until([&] { return has(second.heard(), "ok\n"); }));
  first.send(health);  // so that the second has been without a request for longer
  REQUIRE(fixture.run_until([&] { return first.heard().rfind("ok\n") > first.heard().find("ok\n"); }));
  SocketClient third(fixture.server->address());
  third.send(health);
  REQUIRE(fixture.run_until([&] { return has(third.heard(), "ok\n"); }));
  CHECK(second.ended());
  CHECK_FALSE(first.ended());
  CHECK(fixture.server->connections() == 2);
}

namespace {

// As many clients as the server has room for; each has sent `request`.
std::vector<std::unique_ptr<SocketClient>> crowd(Fixture& fixture, std::string_view request) {
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (size_t i = 0; i < AdminServer::Options().connections; ++i) {
    clients.push_back(std::make_unique<SocketClient>(fixture.server->address()));
    clients.back()->send(request);
  }
  REQUIRE(fixture.run_until([&] { return fixture.server->connections() == clients.size(); }));
  return clients;
}

}  // namespace

TEST_CASE("admin: clients that send nothing, or half a head, keep nobody out") {
  for (const std::string_view request : {"", "GET /metr"}) {
    CAPTURE(request);
    Fixture fixture;
    fixture.server = fixture.start();
    const auto clients = crowd(fixture, request);
    CHECK(has(fixture.get("/healthz"), "ok\n"));
    CHECK(fixture.server->connections() <= clients.size());
    CHECK(clients.front()->ended());
    CHECK_FALSE(clients.back()->ended());
  }
}

TEST_CASE("admin: clients that were answered keep nobody out") {
  Fixture fixture;
  fixture.server = fixture.start();
  const auto clients = crowd(fixture, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(fixture.run_until([&] { return has(clients.back()->heard(), "ok\n"); }));
  CHECK(has(fixture.get("/healthz"), "ok\n"));
}

TEST_CASE("admin: clients that do not take a large answer keep nobody out for long") {
  Fixture fixture;
  for (int i = 0; i < 20'000; ++i) fixture.totals.routes["a route of many, number " + std::to_string(i)];
  AdminServer::Options options;
  options.stuck = std::chrono::milliseconds(50);
  options.connections = 2;
  fixture.server = fixture.start(options);
  SocketClient first(fixture.server->address());
  SocketClient second(fixture.server->address());
  for (SocketClient* client : {&first, &second})
    client->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(fixture.run_until([&] { return fixture.collections == 2; }));
  CHECK(has(fixture.get("/healthz"), "ok\n"));
}

TEST_CASE("admin: who is being answered is not sent away for another") {
  Fixture fixture;
  fixture.answers = false;
  AdminServer::Options options;
  options.connections = 1;
  options.stuck = std::chrono::milliseconds(1);
  fixture.server = fixture.start(options);
  SocketClient first(fixture.server->address());
  first.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  REQUIRE(fixture.run_until([&] { return fixture.collections == 1; }));
  SocketClient second(fixture.server->address());
  second.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  fixture.run_idly();
  fixture.server->give(fixture.totals);
  REQUIRE(fixture.run_until([&] { return first.ended(); }));
  CHECK(has(first.heard(), "postern_tunnels_open"));
  CHECK(fixture.run_until([&] { return has(second.heard(), "ok\n"); }));
}

TEST_CASE("admin: revocations are taken where the configuration says so, and from no page") {
  Fixture fixture;
  const auto table = std::make_unique<state::Revocations>();
  AdminServer::Options options;
  options.connection.revoke = {table.get(), true, std::chrono::hours(24)};
  fixture.server = fixture.start(options);
  const auto post = [&](const std::string& body, const std::string& fields) {
    return fixture.ask("POST /revoke HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields +
                       "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const std::string json = "Content-Type: application/json; charset=utf-8\r\n";
  const std::string good = post(R"({"sub":"ann"})", json);
  CHECK(has(good, "HTTP/1.1 200 OK\r\n"));
  CHECK(has(good, R"({"entries":1,"known":0,"revoked":1})"));
  CHECK(fixture.revoked == 1);
  CHECK(has(fixture.get("/revocations"), R"("sub":"ann")"));
  CHECK(has(post(R"({"sub":"b"})", json + "Origin: http://evil.example\r\n"), "HTTP/1.1 403"));
  CHECK(has(post(R"({"sub":"b"})", json + "Origin: null\r\n"), "HTTP/1.1 403"));
  CHECK(has(post(R"({"sub":"b"})", "Content-Type: text/plain\r\n"), "HTTP/1.1 415"));
  CHECK(has(post(R"({"sub":"b"})", ""), "HTTP/1.1 415"));
  CHECK(has(post(R"({"who":"b"})", json), "HTTP/1.1 400"));
  CHECK(has(fixture.get("/revoke"), "HTTP/1.1 405"));
  CHECK(has(fixture.ask("GET /revocations HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
                        "Connection: close\r\n\r\n"),
            "HTTP/1.1 403"));
  CHECK(table->size() == 1);
  options.connection.revoke.may_add = false;
  fixture.server->adopt(options);
  CHECK(has(post(R"({"sub":"b"})", json), "revocations: true"));
  options.connection.revoke.may_add = options.connection.any_host = true;
  fixture.server->adopt(options);
  CHECK(has(post(R"({"sub":"b"})", json), "HTTP/1.1 403"));
  CHECK(has(fixture.get("/revocations"), "HTTP/1.1 403"));
  CHECK(table->size() == 1);
}
