#include "admin/admin_server.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "telemetry/finding.h"
#include "unit/net/loop_ground.h"
#include "unit/server/worker_ground.h"

using namespace postern;
using namespace postern::admin;
using server::SocketClient;

namespace {

struct Ground : net::LoopGround, Source {
  Health health() const override { return state; }
  void collect() override {
    ++collections;
    if (answers) server->give(totals);
  }
  std::unique_ptr<AdminServer> start(const AdminServer::Options& options = {}) {
    auto socket = net::listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(socket);
    Source& self = *this;
    return std::make_unique<AdminServer>(loop, std::move(*socket), self, options);
  }
  ~Ground() {
    server.reset();
    loop.turn().run();
  }

  // What comes for `request` until the connection ends.
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
  telemetry::Totals totals;
  std::unique_ptr<AdminServer> server;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("admin: health follows the process") {
  Ground ground;
  ground.server = ground.start();
  CHECK(has(ground.get("/healthz"), "HTTP/1.1 200 OK\r\n"));
  ground.state = Health::starting;
  CHECK(has(ground.get("/healthz"), "HTTP/1.1 503 "));
  ground.state = Health::draining;
  CHECK(has(ground.get("/healthz"), "\r\n\r\ndraining\n"));
}

TEST_CASE("admin: metrics are the numbers that the source gives") {
  Ground ground;
  ground.totals.process.add(telemetry::Count::tunnels_open, 3);
  ground.server = ground.start();
  const std::string answer = ground.get("/metrics");
  CHECK(has(answer, "HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(has(answer, "\npostern_tunnels_open 3\n"));
}

TEST_CASE("admin: status says what goes on, and what was found with what to do about it") {
  Ground ground;
  ground.totals.process.add(telemetry::Count::tunnels_open, 3);
  ground.totals.process.add(telemetry::Count::connections_open, 2);
  ground.totals.routes["chat"].set(telemetry::RouteCount::sockets_silent, 2);
  ground.totals.routes["fine"];
  ground.server = ground.start();
  const std::string answer = ground.get("/status");
  CHECK(has(answer, "Content-Type: application/json\r\n"));
  const auto status = base::parse_json(answer.substr(answer.find("\r\n\r\n") + 4));
  REQUIRE(status);
  CHECK((*status)["health"] == "serving");
  CHECK((*status)["websockets_open"] == 3);
  CHECK(status->value("http_connections_open", 0) == 2);  // those that became WebSockets are not in it
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
  Ground ground;
  telemetry::Totals worker;
  worker.endpoint_states[{"api", "http://a:1"}] =
      EndpointState{.up = 1, .in_flight = 2, .connections_idle = 1};
  worker.endpoint_states[{"api", "http://a:2"}] =
      EndpointState{.ejected = 1, .passed_over_for = std::chrono::microseconds(8'199'001)};
  worker.endpoint_states[{"web", "http://w:1"}] = EndpointState{.unhealthy = 1};
  worker.endpoint_states[{"web", "http://w:2"}] = EndpointState{.unreachable = 1};
  worker.endpoints[{"api", "http://a:1"}].add(telemetry::EndpointCount::line_feed, 3);
  ground.totals.add(worker);
  worker.endpoint_states[{"api", "http://a:2"}] = EndpointState{.up = 1};
  ground.totals.add(worker);
  ground.server = ground.start();
  const std::string answer = ground.get("/status");
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
  Ground ground;
  ground.answers = false;
  ground.server = ground.start();
  SocketClient first(ground.server->address());
  SocketClient second(ground.server->address());
  for (SocketClient* client : {&first, &second})
    client->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  REQUIRE(ground.run_until([&] { return ground.server->connections() == 2 && ground.collections == 1; }));
  ground.run_idly();
  CHECK(ground.collections == 1);
  ground.server->give(ground.totals);
  REQUIRE(ground.run_until([&] { return first.ended() && second.ended(); }));
  CHECK(has(first.heard(), "200 OK"));
  CHECK(has(second.heard(), "200 OK"));
  ground.answers = true;
  CHECK(has(ground.get("/metrics"), "200 OK"));
  CHECK(ground.collections == 2);
}

TEST_CASE("admin: workers that do not answer are not waited for without end") {
  Ground ground;
  ground.answers = false;
  AdminServer::Options options;
  options.client.collect_limit = std::chrono::milliseconds(20);
  ground.server = ground.start(options);
  CHECK(has(ground.get("/metrics"), "HTTP/1.1 503 "));
}

TEST_CASE("admin: nothing but reading, and nothing but what there is") {
  Ground ground;
  ground.server = ground.start();
  CHECK(has(ground.get("/"), "/metrics"));
  CHECK(has(ground.get("/nothing"), "HTTP/1.1 404 "));
  const std::string refused =
      ground.ask("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  CHECK(has(refused, "HTTP/1.1 405 "));
  CHECK(has(refused, "Allow: GET, HEAD\r\n"));
  CHECK(has(ground.ask("nonsense\r\n\r\n"), "HTTP/1.1 400 "));
  CHECK(ground.collections == 0);
}

TEST_CASE("admin: a page that made its own name point here learns nothing") {
  Ground ground;
  ground.server = ground.start();
  CHECK(has(ground.get("/metrics", "evil.example"), "HTTP/1.1 400 "));
  CHECK(has(ground.get("/metrics", "localhost:9901"), "HTTP/1.1 200 "));
  CHECK(has(ground.get("/metrics", "[::1]:9901"), "HTTP/1.1 200 "));
  ground.server.reset();
  AdminServer::Options open;
  open.client.any_host = true;
  ground.server = ground.start(open);
  CHECK(has(ground.get("/metrics", "metrics.internal"), "HTTP/1.1 200 "));
}

TEST_CASE("admin: connections are bounded, and the one that was idle longest makes room") {
  constexpr std::string_view health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Ground ground;
  AdminServer::Options options;
  options.connections = 2;
  ground.server = ground.start(options);
  SocketClient first(ground.server->address());
  first.send(health);
  REQUIRE(ground.run_until([&] { return has(first.heard(), "ok\n"); }));
  SocketClient second(ground.server->address());
  second.send(health);
  REQUIRE(ground.run_until([&] { return has(second.heard(), "ok\n"); }));
  first.send(health);  // so that the second is the one without a request for longer
  REQUIRE(ground.run_until([&] { return first.heard().rfind("ok\n") > first.heard().find("ok\n"); }));
  SocketClient third(ground.server->address());
  third.send(health);
  REQUIRE(ground.run_until([&] { return has(third.heard(), "ok\n"); }));
  CHECK(second.ended());
  CHECK_FALSE(first.ended());
  CHECK(ground.server->connections() == 2);
}

namespace {

// As many clients as there is room for, each having sent `request`.
std::vector<std::unique_ptr<SocketClient>> crowd(Ground& ground, std::string_view request) {
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (size_t i = 0; i < AdminServer::Options().connections; ++i) {
    clients.push_back(std::make_unique<SocketClient>(ground.server->address()));
    clients.back()->send(request);
  }
  REQUIRE(ground.run_until([&] { return ground.server->connections() == clients.size(); }));
  return clients;
}

}  // namespace

TEST_CASE("admin: clients that send nothing, or half a head, keep nobody out") {
  for (const std::string_view request : {"", "GET /metr"}) {
    CAPTURE(request);
    Ground ground;
    ground.server = ground.start();
    const auto clients = crowd(ground, request);
    CHECK(has(ground.get("/healthz"), "ok\n"));
    CHECK(ground.server->connections() <= clients.size());
    CHECK(clients.front()->ended());
    CHECK_FALSE(clients.back()->ended());
  }
}

TEST_CASE("admin: clients that were answered keep nobody out") {
  Ground ground;
  ground.server = ground.start();
  const auto clients = crowd(ground, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(ground.run_until([&] { return has(clients.back()->heard(), "ok\n"); }));
  CHECK(has(ground.get("/healthz"), "ok\n"));
}

TEST_CASE("admin: clients that do not take a large answer keep nobody out for long") {
  Ground ground;
  for (int i = 0; i < 20'000; ++i) ground.totals.routes["a route of many, number " + std::to_string(i)];
  AdminServer::Options options;
  options.stuck = std::chrono::milliseconds(50);
  options.connections = 2;
  ground.server = ground.start(options);
  SocketClient first(ground.server->address());
  SocketClient second(ground.server->address());
  for (SocketClient* client : {&first, &second})
    client->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(ground.run_until([&] { return ground.collections == 2; }));
  CHECK(has(ground.get("/healthz"), "ok\n"));
}

TEST_CASE("admin: who is being answered is not sent away for another") {
  Ground ground;
  ground.answers = false;
  AdminServer::Options options;
  options.connections = 1;
  options.stuck = std::chrono::milliseconds(1);
  ground.server = ground.start(options);
  SocketClient first(ground.server->address());
  first.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  REQUIRE(ground.run_until([&] { return ground.collections == 1; }));
  SocketClient second(ground.server->address());
  second.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ground.run_idly();
  ground.server->give(ground.totals);
  REQUIRE(ground.run_until([&] { return first.ended(); }));
  CHECK(has(first.heard(), "postern_tunnels_open"));
  CHECK(ground.run_until([&] { return has(second.heard(), "ok\n"); }));
}
