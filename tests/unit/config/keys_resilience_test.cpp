#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using std::chrono::milliseconds;
using std::chrono::seconds;
using upstream::Condition;
using upstream::Conditions;
using upstream::EjectModel;
using upstream::HealthModel;
using upstream::RetryModel;

namespace {

// A file whose upstream has this line, from line 4 on, column 5.
std::string file_with(const std::string& line) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams:\n  api:\n    " + line +
         "\n    endpoints: [\"http://127.0.0.1:1\"]\nroutes: [{ upstream: api }]\n";
}

UpstreamDocument upstream_with(const std::string& line) {
  const auto loaded = load(file_with(line));
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  return loaded->upstreams.front();
}

std::string said(const std::string& line) { return said_of(file_with(line)); }

Conditions with(std::initializer_list<Condition> conditions, std::initializer_list<uint16_t> statuses) {
  Conditions made = conditions;
  for (const uint16_t status : statuses) made.add_status(status);
  return made;
}

}  // namespace

TEST_CASE("resilience: without a word retries and ejection have their defaults, and nothing is held") {
  const UpstreamDocument upstream = upstream_with("balance: round_robin");
  CHECK(upstream.retries.attempts == 2);
  CHECK(upstream.retries.on == Conditions{Condition::connect, Condition::reset});
  CHECK_FALSE(upstream.retries.non_idempotent);
  CHECK(upstream.retries.budget.percent == 20);
  CHECK(upstream.retries.body_size == 65'536);
  CHECK(upstream.eject.enabled);
  CHECK(upstream.eject.failures == 5);
  CHECK_FALSE(upstream.hold.has_value());
}

TEST_CASE("resilience: retries are a number or a map") {
  CHECK(upstream_with("retries: 0").retries.attempts == 0);
  const RetryModel retries =
      upstream_with(
          "retries: { attempts: 10, on: [timeout, invalid_response, status_503, status_599], "
          "non_idempotent: true, body_size: none, budget: 100%, budget_minimum: 0 }")
          .retries;
  CHECK(retries.attempts == 10);
  CHECK(retries.on == with({Condition::timeout, Condition::invalid_response}, {503, 599}));
  CHECK(retries.non_idempotent);
  CHECK(retries.budget.percent == 100);
  CHECK(retries.body_size == 0);
  CHECK(retries.budget.per_second == 0);
  CHECK(upstream_with("retries: { on: connect }").retries.on == Conditions{Condition::connect});
  CHECK(upstream_with("retries: { on: [] }").retries.on == Conditions{});
}

TEST_CASE("resilience: retries say what is wrong with each value") {
  CHECK(said("retries: 11") == "f:4:14 upstreams.api.retries: \"11\" is out of range: 0 to 10\n");
  CHECK(said("retries: { attempts: 11 }") ==
        "f:4:26 upstreams.api.retries.attempts: \"11\" is out of range: 0 to 10\n");
  CHECK(said("retries: { on: [connct] }") ==
        "f:4:21 upstreams.api.retries.on[0]: \"connct\" is none of connect, reset, timeout, invalid_response "
        "and status_NNN\n");
  for (const char* status : {"status_399", "status_600", "status_5xx", "status_"}) {
    CAPTURE(status);
    CHECK(said("retries: { on: [" + std::string(status) + "] }").find("is not a status from 400 to 599") !=
          std::string::npos);
  }
  CHECK(said("retries: { budget: 20 }") ==
        "f:4:24 upstreams.api.retries.budget: \"20\" has no percent sign; write \"20%\"\n");
  CHECK(said("retries: { budget: 101% }").find("is more than 100%") != std::string::npos);
  CHECK(said("retries: { budget: much }").find("is not a percentage") != std::string::npos);
  CHECK(said("retries: { tries: 2 }").find("tries") != std::string::npos);
}

TEST_CASE("resilience: ejection is a map, or none") {
  CHECK_FALSE(upstream_with("eject: none").eject.enabled);
  const EjectModel eject =
      upstream_with("eject: { failures: 1, within: 1s, time: 2s, max: 2s, on: [status_500] }").eject;
  CHECK(eject.enabled);
  CHECK(eject.failures == 1);
  CHECK(eject.within == seconds(1));
  CHECK(eject.time == seconds(2));
  CHECK(eject.longest == seconds(2));
  CHECK(eject.on == with({}, {500}));
  CHECK(said("eject: { failures: 0 }") ==
        "f:4:24 upstreams.api.eject.failures: \"0\" is out of range: 1 to 1000\n");
  CHECK(said("eject: { time: 10s, max: 9s }") ==
        "f:4:30 upstreams.api.eject.max: is less than the first time (10s)\n");
  CHECK(said("eject: { time: 10m }") == "f:4:12 upstreams.api.eject: is less than the first time (10m)\n");
  CHECK(said("eject: off") != "");
}

TEST_CASE("resilience: hold is a duration, a map, or none") {
  CHECK_FALSE(upstream_with("hold: none").hold.has_value());
  CHECK(upstream_with("hold: 12s").hold->time == seconds(12));
  CHECK(upstream_with("hold: 12s").hold->requests == 1000);
  CHECK(upstream_with("hold: {}").hold->time == seconds(10));
  CHECK(upstream_with("hold: { requests: 1 }").hold->requests == 1);
  CHECK(upstream_with("hold: { time: 5m }").hold->time == seconds(300));
  CHECK(said("hold: 301s").find("upstreams.api.hold: \"301s\" is out of range") != std::string::npos);
  CHECK(said("hold: 0s").find("\"0s\" is out of range: 1ms to 5m, or none\n") != std::string::npos);
  CHECK(said("hold: { time: 0s }").find("5m, or hold: none\n") != std::string::npos);
  CHECK(said("hold: 10").find("has no unit") != std::string::npos);
  CHECK(said("hold: { requests: 0 }").find("is out of range: 1 to 1000000") != std::string::npos);
}

TEST_CASE("resilience: health is a map with a path, or with tcp") {
  const HealthModel usual = *upstream_with("health: { path: /healthz }").health;
  CHECK_FALSE(usual.tcp);
  CHECK(usual.path == "/healthz");
  CHECK(usual.method == "GET");
  CHECK(usual.interval == seconds(5));
  CHECK(usual.timeout == seconds(2));
  CHECK(usual.statuses == std::vector<HealthModel::StatusRange>{{200, 399}});
  CHECK_FALSE(usual.starts_down);
  const HealthModel whole = *upstream_with(
                                 "health: { path: \"/h?a=b\", method: HEAD, host: a.internal, status: "
                                 "[204, 300-301], interval: 1s, "
                                 "timeout: 500ms, healthy: 1, unhealthy: 100, start: down }")
                                 .health;
  CHECK(whole.path == "/h?a=b");
  CHECK(whole.method == "HEAD");
  CHECK(whole.host == "a.internal");
  CHECK(whole.statuses == std::vector<HealthModel::StatusRange>{{204, 204}, {300, 301}});
  CHECK(whole.interval == seconds(1));
  CHECK(whole.timeout == milliseconds(500));
  CHECK(whole.healthy == 1);
  CHECK(whole.unhealthy == 100);
  CHECK(whole.starts_down);
  CHECK(upstream_with("health: { tcp: true, interval: 100ms }").health->tcp);
  CHECK_FALSE(upstream_with("balance: round_robin").health.has_value());
}

TEST_CASE("resilience: health says what is wrong with each value") {
  CHECK(said("health: {}") == "f:4:13 upstreams.api.health: needs a path, or tcp: true\n");
  CHECK(said("health: /healthz") ==
        "f:4:13 upstreams.api.health: must be a map; write { path: \"/healthz\" }\n");
  CHECK(said("health: { tcp: true, path: / }") ==
        "f:4:32 upstreams.api.health.path: stands beside tcp, which sends no request\n");
  CHECK(said("health: { path: healthz }") ==
        "f:4:21 upstreams.api.health.path: \"healthz\" does not begin with /\n");
  CHECK(said("health: { path: \"/a b\" }").find("is not a path as a request has it") != std::string::npos);
  CHECK(said("health: { path: /, status: [100] }").find("is neither a status from 200 to 599") !=
        std::string::npos);
  CHECK(said("health: { path: /, status: 399-200 }").find("nor a range of them") != std::string::npos);
  CHECK(said("health: { path: /, status: [] }").find("is empty; nothing would pass") != std::string::npos);
  CHECK(said("health: { path: /, interval: 99ms }").find("is out of range") != std::string::npos);
  CHECK(said("health: { path: /, unhealthy: 0 }").find("is out of range: 1 to 100") != std::string::npos);
  CHECK(said("health: { path: /, start: off }").find("upstreams.api.health.start") != std::string::npos);
  CHECK(said("health: { path: /, host: \"a/b\" }").find("is not a host name") != std::string::npos);
  CHECK(said("health: { path: /, method: POST }").find("upstreams.api.health.method") != std::string::npos);
}
