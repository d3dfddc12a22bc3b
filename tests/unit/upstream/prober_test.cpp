#include "upstream/prober.h"

#include <doctest/doctest.h>

#include "unit/upstream/upstream_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;
using support::answers;
using support::Reach;
using support::response_text;

namespace {

struct Models {
  std::vector<GroupModel> groups;
};

class ProberFixture final : private Prober::Owner {
 public:
  explicit ProberFixture(const std::vector<uint16_t>& ports, const HealthModel& health = {}) {
    adopt(ports, health);
  }
  ~ProberFixture() { turns.turn.run(); }

  void adopt(const std::vector<uint16_t>& ports, const std::optional<HealthModel>& health) {
    auto models = std::make_shared<Models>();
    models->groups.push_back(model_of("app", ports));
    models->groups[0].health = health;
    for (EndpointModel& endpoint : models->groups[0].endpoints) endpoint.authority = "app.internal";
    prober.adopt(models->groups, models);
    turns.settle();
  }
  int dials(uint16_t port) { return upstream.at(port).dials; }

  support::TurnFixture turns;
  support::FakeUpstream upstream{turns};
  std::vector<HealthNews> news;
  Prober prober{turns.turn, upstream, *this, 1};

 private:
  void on_health(const HealthNews& one) override { news.push_back(one); }
};

}  // namespace

TEST_CASE("prober: asks as the model says, with a connection for each check") {
  HealthModel health;
  health.path = "/healthz?deep=1";
  ProberFixture fixture({1}, health);
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  fixture.turns.advance(1100ms);
  REQUIRE(fixture.upstream.at(1).connections.size() == 1);
  const support::HttpMessage& request = fixture.upstream.at(1).last().requests.at(0);
  CHECK(request.start == "GET /healthz?deep=1 HTTP/1.1");
  CHECK(request.field("Host") == "app.internal");
  CHECK(request.field("User-Agent") == "postern-health-check");
  CHECK(fixture.upstream.at(1).last().gateway_closed());
  fixture.turns.advance(50s);
  CHECK(fixture.dials(1) >= 10);
  CHECK(fixture.dials(1) <= 13);
  CHECK(fixture.news.empty());  // it counted as up, and it is up
}

TEST_CASE("prober: another method and host") {
  HealthModel health;
  health.method = "HEAD";
  health.host = "elsewhere.internal";
  ProberFixture fixture({1}, health);
  fixture.upstream.at(1).behaviour = answers("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  fixture.turns.advance(1100ms);
  const support::HttpMessage& request = fixture.upstream.at(1).last().requests.at(0);
  CHECK(request.start == "HEAD / HTTP/1.1");
  CHECK(request.field("Host") == "elsewhere.internal");
  fixture.turns.advance(20s);
  CHECK(fixture.news.empty());
}

TEST_CASE("prober: an endpoint that fails goes down, and comes up again; both are told once") {
  ProberFixture fixture({1, 2});
  for (uint16_t port : {1, 2}) fixture.upstream.at(port).behaviour = answers(response_text("fine"));
  fixture.turns.advance(10s);
  fixture.upstream.at(1).behaviour = answers(response_text("ill", "", "503 Service Unavailable"));
  fixture.turns.advance(8s);  // five seconds until the first check, then one check per second
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].group == "app");
  CHECK(fixture.news[0].endpoint == "http://127.0.0.1:1");
  CHECK(fixture.news[0].key == "app http://127.0.0.1:1 ");
  CHECK_FALSE(fixture.news[0].up);
  CHECK(fixture.news[0].account == "status 503");
  CHECK(fixture.news[0].checks == 3);
  fixture.turns.advance(60s);
  CHECK(fixture.news.size() == 1);
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  fixture.turns.advance(2500ms);
  REQUIRE(fixture.news.size() == 2);
  CHECK(fixture.news[1].up);
  CHECK(fixture.news[1].account == "status 200");
  CHECK(fixture.news[1].checks == 2);
}

TEST_CASE("prober: what fails says how") {
  struct Case {
    std::string account;
    std::function<void(support::FakeEndpoint&)> ail;
  };
  const std::vector<Case> cases = {
      {"127.0.0.1:1 refused", [](auto& endpoint) { endpoint.reach = Reach::refused; }},
      {"127.0.0.1:1 did not answer in time", [](auto& endpoint) { endpoint.reach = Reach::silent; }},
      {"upstream_timed_out", [](auto& endpoint) { endpoint.behaviour = support::says_nothing(); }},
      {"upstream_closed", [](auto& endpoint) { endpoint.behaviour = support::closes_after("", 0); }},
      {"status 404",
       [](auto& endpoint) { endpoint.behaviour = answers(response_text("", "", "404 Not Found")); }},
  };
  for (const Case& one : cases) {
    CAPTURE(one.account);
    ProberFixture fixture({1});
    one.ail(fixture.upstream.at(1));
    fixture.turns.advance(20s);
    REQUIRE(fixture.news.size() == 1);
    CHECK(fixture.news[0].account == one.account);
    CHECK(fixture.upstream.open_count() <= 1);  // the running check
  }
  ProberFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  fixture.turns.advance(20s);
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].account != "upstream_bad_response");  // the account has the parser's sentence
}

TEST_CASE("prober: an interim response is not the answer") {
  ProberFixture fixture({1});
  fixture.upstream.at(1).behaviour =
      answers("HTTP/1.1 100 Continue\r\n\r\n" + response_text("", "", "503 No"));
  fixture.turns.advance(20s);
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].account == "status 503");
}

TEST_CASE("prober: with tcp a connection is enough, and nothing is sent") {
  HealthModel health;
  health.tcp = true;
  ProberFixture fixture({1}, health);
  fixture.turns.advance(20s);
  CHECK(fixture.dials(1) >= 4);
  CHECK(fixture.news.empty());
  CHECK(fixture.upstream.at(1).last().take_unread().empty());
  CHECK(fixture.upstream.open_count() == 0);
  fixture.upstream.at(1).reach = Reach::refused;
  fixture.turns.advance(20s);
  CHECK(fixture.news.size() == 1);
}

TEST_CASE("prober: slow checks do not pile up, and hold up nobody else") {
  HealthModel health;
  health.interval = 1s;
  health.timeout = 10s;
  ProberFixture fixture({1, 2}, health);
  fixture.upstream.at(1).behaviour = support::says_nothing();
  fixture.upstream.at(2).behaviour = answers(response_text("fine"));
  fixture.turns.advance(9s);
  CHECK(fixture.dials(1) == 1);
  CHECK(fixture.dials(2) >= 7);
}

TEST_CASE("prober: checks that begin together do not stay together") {
  std::vector<uint16_t> ports;
  for (uint16_t port = 1; port <= 50; ++port) ports.push_back(port);
  ProberFixture fixture(ports);
  for (uint16_t port : ports) fixture.upstream.at(port).behaviour = answers(response_text("fine"));
  int most = 0;
  int before = 0;
  for (int step = 0; step < 1000; ++step) {
    fixture.turns.advance(20ms);
    int all = 0;
    for (uint16_t port : ports) all += fixture.dials(port);
    most = std::max(most, all - before);
    before = all;
  }
  CHECK(most < 10);
}

TEST_CASE("prober: a reload keeps the state of endpoints that stay, and lets the others go") {
  ProberFixture fixture({1, 2});
  fixture.upstream.at(1).reach = fixture.upstream.at(2).reach = Reach::refused;
  fixture.turns.advance(10s);
  REQUIRE(fixture.news.size() == 2);
  fixture.adopt({1}, HealthModel{});
  fixture.upstream.at(1).reach = Reach::good;
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  const int left = fixture.dials(2);
  fixture.turns.advance(10s);
  REQUIRE(fixture.news.size() == 3);
  CHECK(fixture.news[2].up);
  CHECK(fixture.dials(2) == left);
  const int last = fixture.dials(1);
  fixture.adopt({1}, std::nullopt);
  fixture.turns.advance(60s);
  CHECK(fixture.dials(1) == last);
}

TEST_CASE("prober: a reload in the midst of a check lets it end by the old model") {
  ProberFixture fixture({1});
  fixture.upstream.at(1).behaviour = support::says_nothing();
  fixture.turns.advance(1100ms);
  REQUIRE(fixture.upstream.open_count() == 1);
  HealthModel health;
  health.timeout = 1h;
  fixture.adopt({1}, health);
  fixture.turns.advance(2s);
  CHECK(fixture.upstream.at(1).connections[0]->gateway_closed());
  fixture.turns.advance(2s);
  CHECK(fixture.upstream.open_count() == 1);  // the next check, with a timeout of one hour
  fixture.adopt({}, std::nullopt);
  CHECK(fixture.upstream.open_count() == 0);
}

TEST_CASE("prober: another interval holds from the reload on") {
  HealthModel health;
  health.interval = 1h;
  ProberFixture fixture({1}, health);
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  fixture.turns.advance(10min);
  CHECK(fixture.dials(1) == 1);
  health.interval = 1s;
  fixture.adopt({1}, health);
  fixture.turns.advance(10s);
  CHECK(fixture.dials(1) >= 9);
}

TEST_CASE("prober: an endpoint that starts as down is told of with its first good check") {
  HealthModel health;
  health.starts_down = true;
  ProberFixture fixture({1}, health);
  fixture.upstream.at(1).reach = Reach::refused;
  fixture.turns.advance(30s);
  CHECK(fixture.news.empty());
  fixture.upstream.at(1).reach = Reach::good;
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  fixture.turns.advance(1200ms);
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].up);
}

TEST_CASE("prober: what this process lacks takes no endpoint down, and brings none up") {
  ProberFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("fine"));
  fixture.turns.advance(10s);
  fixture.upstream.at(1).reach = Reach::no_descriptors;
  fixture.turns.advance(60s);
  CHECK(fixture.news.empty());
  fixture.upstream.at(1).reach = Reach::refused;
  fixture.turns.advance(20s);
  REQUIRE(fixture.news.size() == 1);
  CHECK_FALSE(fixture.news[0].up);
  fixture.upstream.at(1).reach = Reach::no_descriptors;
  fixture.turns.advance(60s);
  CHECK(fixture.news.size() == 1);
}
