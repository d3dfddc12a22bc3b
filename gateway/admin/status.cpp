#include "admin/status.h"

#include "base/json.h"
#include "telemetry/finding.h"

namespace postern::admin {

std::string status_json(Health health, const telemetry::Totals& totals) {
  using telemetry::Count;
  base::Json findings = base::Json::array();
  for (const auto& [route, series] : totals.routes) {
    const uint64_t silent = series[telemetry::RouteCount::sockets_silent];
    if (silent == 0) continue;
    findings.push_back({{"finding", telemetry::silent_route.label},
                        {"route", route},
                        {"sockets", silent},
                        {"meaning", telemetry::silent_route.meaning},
                        {"remedy", telemetry::silent_route.remedy}});
  }
  for (const auto& [endpoint, series] : totals.endpoints) {
    for (const telemetry::DeviationRow& row : telemetry::deviation_rows()) {
      const uint64_t responses = series[row.count];
      if (responses == 0) continue;
      findings.push_back({{"finding", row.finding.label},
                          {"upstream", endpoint.first},
                          {"endpoint", endpoint.second},
                          {"responses", responses},
                          {"meaning", row.finding.meaning},
                          {"remedy", row.finding.remedy}});
    }
  }
  base::Json status;
  status["health"] = label(health);
  status["http_connections_open"] = totals.process[Count::connections_open];
  status["websockets_open"] = totals.process[Count::tunnels_open];
  status["streams_open"] = totals.process[Count::streams_open];
  base::Json streams = base::Json::array();
  for (const auto& [route, series] : totals.routes)
    if (const uint64_t open = series[telemetry::RouteCount::streams_open]; open > 0)
      streams.push_back({{"route", route}, {"open", open}});
  status["streams"] = std::move(streams);
  status["findings"] = std::move(findings);
  return base::write_json(status) + "\n";
}

}  // namespace postern::admin
