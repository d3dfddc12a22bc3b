#include "telemetry/metrics.h"
#include "base/error.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::telemetry;
using namespace std::chrono_literals;

TEST_CASE("metrics: a status counts in its class, and none in the class of its own") {
  RouteSeries series;
  for (const uint16_t status : {101, 200, 204, 302, 404, 499, 502, 599, 0, 99, 600})
    series.exchange(status, 1ms, 10, 20);
  CHECK(series[RouteCount::requests_1xx] == 1);
  CHECK(series[RouteCount::requests_2xx] == 2);
  CHECK(series[RouteCount::requests_3xx] == 1);
  CHECK(series[RouteCount::requests_4xx] == 2);
  CHECK(series[RouteCount::requests_5xx] == 2);
  CHECK(series[RouteCount::requests_without_status] == 3);
  CHECK(series[RouteCount::request_body_bytes] == 110);
  CHECK(series[RouteCount::response_body_bytes] == 220);
}

TEST_CASE("metrics: numbers of a name survive a new configuration, and go with the name") {
  Metrics metrics;
  const Series before = metrics.adopt({{"a", "b"}, {{"app", {"one", "two"}}}});
  before.routes[0]->exchange(200, 1ms, 0, 0);
  before.routes[1]->exchange(200, 1ms, 0, 0);
  before.upstreams[0].all->add(UpstreamCount::attempts, 3);
  before.upstreams[0].endpoints[1]->add(EndpointCount::failures);
  const Series after = metrics.adopt({{"c", "b"}, {{"app", {"two"}}}});
  after.routes[1]->exchange(200, 1ms, 0, 0);
  before.routes[0]->exchange(200, 1ms, 0, 0);  // an exchange of the old configuration may end later
  const Totals totals = metrics.totals();
  CHECK(totals.routes.size() == 3);
  CHECK(totals.routes.at("b")[RouteCount::requests_2xx] == 2);
  CHECK(totals.routes.at("c")[RouteCount::requests_2xx] == 0);
  CHECK(totals.routes.contains(""));
  CHECK(totals.upstreams.at("app")[UpstreamCount::attempts] == 3);
  CHECK(totals.endpoints.size() == 1);
  CHECK(totals.endpoints.at({"app", "two"})[EndpointCount::failures] == 1);
}

TEST_CASE("metrics: the copies of workers add up, gauges that went up here and down there too") {
  Metrics first;
  Metrics second;
  const Series at_first = first.adopt({{"a"}, {{"app", {"one"}}}});
  const Series at_second = second.adopt({{"a"}, {{"app", {"one"}}}});
  at_first.routes[0]->exchange(200, 1ms, 0, 0);
  at_second.routes[0]->exchange(200, 1s, 0, 0);
  first.process.add(Count::tunnels_open, 3);
  second.process.subtract(Count::tunnels_open);
  const base::Error error{base::Cause::no_route, base::Stage::routing};
  first.failures.add(error);
  second.failures.add(error);
  Totals totals = first.totals();
  totals.add(second.totals());
  CHECK(totals.process[Count::tunnels_open] == 2);
  CHECK(totals.failures[error] == 2);
  CHECK(totals.failures[{base::Cause::no_route, base::Stage::policy}] == 0);
  CHECK(totals.routes.at("a")[RouteCount::requests_2xx] == 2);
  CHECK(totals.routes.at("a").durations.sum_seconds() == doctest::Approx(1.001));
}

TEST_CASE("metrics: each outcome of a token has a counter of its own, by the label of its cause") {
  using base::Cause;
  ProviderSeries series;
  series.token(std::nullopt);
  CHECK(series[ProviderCount::accepted] == 1);
  for (const Cause cause :
       {Cause::token_missing, Cause::token_malformed, Cause::token_expired, Cause::token_not_yet_valid,
        Cause::token_signature, Cause::token_algorithm, Cause::token_key_unknown, Cause::token_claims,
        Cause::claims_refused, Cause::keys_unavailable}) {
    const std::string label = "outcome=\"" + std::string(base::traits(cause).label) + "\"";
    CAPTURE(label);
    series.token(cause);
    for (const NumberRow<ProviderCount>& row : rows(ProviderCount{}))
      if (row.label == label) CHECK(series[row.number] == 1);
  }
  series.token(Cause::loop);
  CHECK(series[ProviderCount::other] == 1);
}

TEST_CASE("histogram: what lies at a bound is below it, and one more is above") {
  for (size_t i = 0; i < Histogram::bounded; ++i) {
    Histogram histogram;
    const auto bound = std::chrono::microseconds(uint64_t{64} << i);
    CHECK(Histogram::bound(i) == doctest::Approx(static_cast<double>(bound.count()) / 1e6));
    histogram.record(bound);
    CHECK(histogram.count_in(i) == 1);
    histogram.record(bound + 1ns);
    CHECK(histogram.count_in(i + 1) == 1);
  }
}

TEST_CASE("histogram: the ends of the scale take everything") {
  Histogram histogram;
  histogram.record(0ns);
  histogram.record(-1s);  // a clock that went back must be counted, and must not crash
  CHECK(histogram.count_in(0) == 2);
  histogram.record(base::Duration(std::chrono::hours(1000)));
  CHECK(histogram.count_in(Histogram::bounded) == 1);
}

TEST_CASE("metrics: each rule that only reports has a counter of its own, by its label") {
  RouteSeries series;
  for (size_t i = 0; i < static_cast<size_t>(ReportedRule::end); ++i) {
    const auto rule = static_cast<ReportedRule>(i);
    CAPTURE(label(rule));
    for (size_t times = 0; times <= i; ++times) series.would_refuse(rule);
    const auto counted = static_cast<size_t>(RouteCount::would_refuse_origins) + i;
    const NumberRow<RouteCount>& row = rows(RouteCount{})[counted];
    CHECK(row.metric == "postern_would_refuse_total");
    CHECK(row.label == "rule=\"" + std::string(label(rule)) + "\"");
    CHECK(series[static_cast<RouteCount>(counted)] == i + 1);
  }
}
