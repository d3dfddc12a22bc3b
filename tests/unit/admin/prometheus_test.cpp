#include "admin/prometheus.h"
#include "base/error.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::telemetry;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

size_t times(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("prometheus: each metric has its help and type once, and a line for each series") {
  Totals totals;
  totals.process.add(Count::connections_open, 7);
  totals.failures.add({base::Cause::no_route, base::Stage::routing});
  totals.routes["a"].exchange(200, 100us, 5, 6);
  totals.routes["a"].exchange(404, 1ms, 0, 0);
  totals.routes[""];
  totals.upstreams["app"].add(UpstreamCount::attempts, 2);
  totals.endpoints[{"app", "http://127.0.0.1:1"}].add(EndpointCount::failures);
  const std::string text = admin::prometheus_text(totals);
  CHECK(has_line(text, "postern_http_connections_open 7"));
  CHECK(has_line(text, "# TYPE postern_http_connections_open gauge"));
  CHECK(has_line(text, R"(postern_failures_total{cause="no_route",stage="routing"} 1)"));
  CHECK(times(text, "postern_failures_total{") == 1);
  CHECK(has_line(text, R"(postern_requests_total{route="a",class="2xx"} 1)"));
  CHECK(has_line(text, R"(postern_requests_total{route="a",class="4xx"} 1)"));
  CHECK(has_line(text, R"(postern_requests_total{route="none",class="4xx"} 0)"));
  CHECK(has_line(text, R"(postern_request_body_bytes_total{route="a"} 5)"));
  CHECK(times(text, "# TYPE postern_requests_total counter\n") == 1);
  CHECK(has_line(text, R"(postern_upstream_attempts_total{upstream="app"} 2)"));
  CHECK(has_line(text, R"(postern_endpoint_failures_total{upstream="app",endpoint="http://127.0.0.1:1"} 1)"));
  CHECK(has_line(text, R"(postern_request_duration_seconds_bucket{route="a",le="6.4e-05"} 0)"));
  CHECK(has_line(text, R"(postern_request_duration_seconds_bucket{route="a",le="0.000128"} 1)"));
  CHECK(has_line(text, R"(postern_request_duration_seconds_bucket{route="a",le="+Inf"} 2)"));
  CHECK(has_line(text, R"(postern_request_duration_seconds_count{route="a"} 2)"));
  CHECK(has_line(text, R"(postern_request_duration_seconds_sum{route="a"} 0.0011)"));
  CHECK(text.ends_with('\n'));
  CHECK(text.find("\n\n") == std::string::npos);
}

TEST_CASE("prometheus: an endpoint is up while any worker sends it requests") {
  Totals totals;
  totals.endpoint_states[{"app", "http://a:1"}] = {.up = 2, .in_flight = 5, .connections_idle = 3};
  totals.endpoint_states[{"app", "http://a:2"}] = {.up = 1, .ejected = 1};
  totals.endpoint_states[{"app", "http://a:3"}] = {.unreachable = 1, .unhealthy = 1};
  const std::string text = admin::prometheus_text(totals);
  CHECK(has_line(text, "# TYPE postern_upstream_endpoint_up gauge"));
  CHECK(has_line(text, R"(postern_upstream_endpoint_up{upstream="app",endpoint="http://a:1"} 1)"));
  CHECK(has_line(text, R"(postern_upstream_endpoint_up{upstream="app",endpoint="http://a:2"} 1)"));
  CHECK(has_line(text, R"(postern_upstream_endpoint_up{upstream="app",endpoint="http://a:3"} 0)"));
  CHECK(has_line(text, R"(postern_upstream_endpoint_in_flight{upstream="app",endpoint="http://a:1"} 5)"));
  CHECK(has_line(text,
                 R"(postern_upstream_endpoint_connections_idle{upstream="app",endpoint="http://a:1"} 3)"));
}

TEST_CASE("prometheus: a name cannot break out of its label") {
  Totals totals;
  totals.upstreams["a\"b\\c\nd"].add(UpstreamCount::retries);
  CHECK(
      has_line(admin::prometheus_text(totals), R"(postern_upstream_retries_total{upstream="a\"b\\c\nd"} 1)"));
}
