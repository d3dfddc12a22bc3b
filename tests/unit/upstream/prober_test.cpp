#include "upstream/prober.h"

#include <doctest/doctest.h>

#include "unit/upstream/upstream_world.h"

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

class ProberGround final : private Prober::Owner {
 public:
  explicit ProberGround(const std::vector<uint16_t>& ports, const HealthModel& health = {}) {
    adopt(ports, health);
  }
  ~ProberGround() { world.turn.run(); }

  void adopt(const std::vector<uint16_t>& ports, const std::optional<HealthModel>& health) {
    auto models = std::make_shared<Models>();
    models->groups.push_back(model_of("app", ports));
    models->groups[0].health = health;
    for (EndpointModel& endpoint : models->groups[0].endpoints) endpoint.authority = "app.internal";
    prober.adopt(models->groups, models);
    world.settle();
  }
  int dials(uint16_t port) { return upstream.at(port).dials; }

  support::World world;
  support::FakeUpstream upstream{world};
  std::vector<HealthNews> news;
  Prober prober{world.turn, upstream, *this, 1};

 private:
  void on_health(const HealthNews& one) override { news.push_back(one); }
};

}  // namespace

TEST_CASE("prober: asks as the model says, with a connection for each check") {
  HealthModel health;
  health.path = "/healthz?deep=1";
  ProberGround ground({1}, health);
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  ground.world.advance(1100ms);
  REQUIRE(ground.upstream.at(1).connections.size() == 1);
  const support::HttpMessage& request = ground.upstream.at(1).last().requests.at(0);
  CHECK(request.start == "GET /healthz?deep=1 HTTP/1.1");
  CHECK(request.field("Host") == "app.internal");
  CHECK(request.field("User-Agent") == "postern-health-check");
  CHECK(ground.upstream.at(1).last().gateway_closed());
  ground.world.advance(50s);
  CHECK(ground.dials(1) >= 10);
  CHECK(ground.dials(1) <= 13);
  CHECK(ground.news.empty());  // it was taken for up, and is
}

TEST_CASE("prober: another method and host") {
  HealthModel health;
  health.method = "HEAD";
  health.host = "elsewhere.internal";
  ProberGround ground({1}, health);
  ground.upstream.at(1).behaviour = answers("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  ground.world.advance(1100ms);
  const support::HttpMessage& request = ground.upstream.at(1).last().requests.at(0);
  CHECK(request.start == "HEAD / HTTP/1.1");
  CHECK(request.field("Host") == "elsewhere.internal");
  ground.world.advance(20s);
  CHECK(ground.news.empty());
}

TEST_CASE("prober: an endpoint that fails goes down, and comes up again; both are told once") {
  ProberGround ground({1, 2});
  for (uint16_t port : {1, 2}) ground.upstream.at(port).behaviour = answers(response_text("fine"));
  ground.world.advance(10s);
  ground.upstream.at(1).behaviour = answers(response_text("ill", "", "503 Service Unavailable"));
  ground.world.advance(8s);  // five to the first, then one a second
  REQUIRE(ground.news.size() == 1);
  CHECK(ground.news[0].group == "app");
  CHECK(ground.news[0].endpoint == "http://127.0.0.1:1");
  CHECK(ground.news[0].key == "app http://127.0.0.1:1 ");
  CHECK_FALSE(ground.news[0].up);
  CHECK(ground.news[0].account == "status 503");
  CHECK(ground.news[0].checks == 3);
  ground.world.advance(60s);
  CHECK(ground.news.size() == 1);
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  ground.world.advance(2500ms);
  REQUIRE(ground.news.size() == 2);
  CHECK(ground.news[1].up);
  CHECK(ground.news[1].account == "status 200");
  CHECK(ground.news[1].checks == 2);
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
    ProberGround ground({1});
    one.ail(ground.upstream.at(1));
    ground.world.advance(20s);
    REQUIRE(ground.news.size() == 1);
    CHECK(ground.news[0].account == one.account);
    CHECK(ground.upstream.open_count() <= 1);  // the check that is under way
  }
  ProberGround ground({1});
  ground.upstream.at(1).behaviour = answers("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  ground.world.advance(20s);
  REQUIRE(ground.news.size() == 1);
  CHECK(ground.news[0].account != "upstream_bad_response");  // the parser says what it met
}

TEST_CASE("prober: an interim response is not the answer") {
  ProberGround ground({1});
  ground.upstream.at(1).behaviour =
      answers("HTTP/1.1 100 Continue\r\n\r\n" + response_text("", "", "503 No"));
  ground.world.advance(20s);
  REQUIRE(ground.news.size() == 1);
  CHECK(ground.news[0].account == "status 503");
}

TEST_CASE("prober: with tcp a connection is enough, and nothing is sent") {
  HealthModel health;
  health.tcp = true;
  ProberGround ground({1}, health);
  ground.world.advance(20s);
  CHECK(ground.dials(1) >= 4);
  CHECK(ground.news.empty());
  CHECK(ground.upstream.at(1).last().take_unread().empty());
  CHECK(ground.upstream.open_count() == 0);
  ground.upstream.at(1).reach = Reach::refused;
  ground.world.advance(20s);
  CHECK(ground.news.size() == 1);
}

TEST_CASE("prober: slow checks do not pile up, and hold up nobody else") {
  HealthModel health;
  health.interval = 1s;
  health.timeout = 10s;
  ProberGround ground({1, 2}, health);
  ground.upstream.at(1).behaviour = support::says_nothing();
  ground.upstream.at(2).behaviour = answers(response_text("fine"));
  ground.world.advance(9s);
  CHECK(ground.dials(1) == 1);
  CHECK(ground.dials(2) >= 7);
}

TEST_CASE("prober: checks that begin together do not stay together") {
  std::vector<uint16_t> ports;
  for (uint16_t port = 1; port <= 50; ++port) ports.push_back(port);
  ProberGround ground(ports);
  for (uint16_t port : ports) ground.upstream.at(port).behaviour = answers(response_text("fine"));
  int most = 0;
  int before = 0;
  for (int step = 0; step < 1000; ++step) {
    ground.world.advance(20ms);
    int all = 0;
    for (uint16_t port : ports) all += ground.dials(port);
    most = std::max(most, all - before);
    before = all;
  }
  CHECK(most < 10);
}

TEST_CASE("prober: a reload keeps the state of endpoints that stay, and lets the others go") {
  ProberGround ground({1, 2});
  ground.upstream.at(1).reach = ground.upstream.at(2).reach = Reach::refused;
  ground.world.advance(10s);
  REQUIRE(ground.news.size() == 2);
  ground.adopt({1}, HealthModel{});
  ground.upstream.at(1).reach = Reach::good;
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  const int left = ground.dials(2);
  ground.world.advance(10s);
  REQUIRE(ground.news.size() == 3);
  CHECK(ground.news[2].up);
  CHECK(ground.dials(2) == left);
  const int last = ground.dials(1);
  ground.adopt({1}, std::nullopt);
  ground.world.advance(60s);
  CHECK(ground.dials(1) == last);
}

TEST_CASE("prober: a reload in the midst of a check lets it end by the old model") {
  ProberGround ground({1});
  ground.upstream.at(1).behaviour = support::says_nothing();
  ground.world.advance(1100ms);
  REQUIRE(ground.upstream.open_count() == 1);
  HealthModel health;
  health.timeout = 1h;
  ground.adopt({1}, health);
  ground.world.advance(2s);
  CHECK(ground.upstream.at(1).connections[0]->gateway_closed());
  ground.world.advance(2s);
  CHECK(ground.upstream.open_count() == 1);  // the next, with its hour
  ground.adopt({}, std::nullopt);
  CHECK(ground.upstream.open_count() == 0);
}

TEST_CASE("prober: another interval holds from the reload on") {
  HealthModel health;
  health.interval = 1h;
  ProberGround ground({1}, health);
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  ground.world.advance(10min);
  CHECK(ground.dials(1) == 1);
  health.interval = 1s;
  ground.adopt({1}, health);
  ground.world.advance(10s);
  CHECK(ground.dials(1) >= 9);
}

TEST_CASE("prober: an endpoint that starts as down is told of with its first good check") {
  HealthModel health;
  health.starts_down = true;
  ProberGround ground({1}, health);
  ground.upstream.at(1).reach = Reach::refused;
  ground.world.advance(30s);
  CHECK(ground.news.empty());
  ground.upstream.at(1).reach = Reach::good;
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  ground.world.advance(1200ms);
  REQUIRE(ground.news.size() == 1);
  CHECK(ground.news[0].up);
}

TEST_CASE("prober: what this process lacks takes no endpoint down, and brings none up") {
  ProberGround ground({1});
  ground.upstream.at(1).behaviour = answers(response_text("fine"));
  ground.world.advance(10s);
  ground.upstream.at(1).reach = Reach::no_descriptors;
  ground.world.advance(60s);
  CHECK(ground.news.empty());
  ground.upstream.at(1).reach = Reach::refused;
  ground.world.advance(20s);
  REQUIRE(ground.news.size() == 1);
  CHECK_FALSE(ground.news[0].up);
  ground.upstream.at(1).reach = Reach::no_descriptors;
  ground.world.advance(60s);
  CHECK(ground.news.size() == 1);
}
