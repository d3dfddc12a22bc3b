#include "admin/status.h"

#include <chrono>

#include "base/error.h"
#include "base/json.h"
#include "telemetry/finding.h"

namespace postern::admin {

namespace {

std::string_view state_of(const telemetry::EndpointState& state) {
  if (state.unhealthy > 0) return "unhealthy";
  if (state.ejected > 0) return "ejected";
  if (state.unreachable > 0) return "unreachable";
  return "up";
}

uint64_t deviations_of(const telemetry::Totals& totals, const telemetry::Totals::Endpoint& endpoint) {
  const auto series = totals.endpoints.find(endpoint);
  uint64_t sum = 0;
  if (series != totals.endpoints.end())
    for (const telemetry::DeviationRow& row : telemetry::deviation_rows()) sum += series->second[row.count];
  return sum;
}

base::Json upstreams_of(const telemetry::Totals& totals) {
  base::Json upstreams = base::Json::array();
  for (const auto& [endpoint, state] : totals.endpoint_states) {
    if (upstreams.empty() || upstreams.back()["upstream"] != endpoint.first)
      upstreams.push_back({{"upstream", endpoint.first}, {"endpoints", base::Json::array()}});
    base::Json shown = {{"endpoint", endpoint.second},
                        {"state", state_of(state)},
                        {"workers", state.up + state.ejected + state.unreachable + state.unhealthy},
                        {"workers_up", state.up},
                        {"in_flight", state.in_flight},
                        {"connections_idle", state.connections_idle},
                        {"deviations", deviations_of(totals, endpoint)}};
    if (state.ejected > 0)
      shown["ejected_for_ms"] = std::chrono::ceil<std::chrono::milliseconds>(state.passed_over_for).count();
    upstreams.back()["endpoints"].push_back(std::move(shown));
  }
  return upstreams;
}

base::Json provider_keys_of(const telemetry::Totals& totals) {
  const auto seconds = [](base::Duration duration) {
    return std::chrono::round<std::chrono::seconds>(duration).count();
  };
  base::Json all = base::Json::array();
  for (const auto& [name, keys] : totals.provider_keys)
    all.push_back({{"jwt", name},
                   {"keys", keys.keys},
                   {"age_s", seconds(keys.age)},
                   {"next_fetch_s", seconds(keys.next_fetch)},
                   {"fetched", keys.fetched},
                   {"failed", keys.failed}});
  return all;
}

base::Json expiring_files_of(const telemetry::Totals& totals) {
  base::Json all = base::Json::array();
  for (const telemetry::ExpiringFile& one : totals.expiring_files)
    all.push_back({{"use", one.use}, {"file", one.file}, {"expires_at", one.expires_at}});
  return all;
}

}  // namespace

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
  status["upstreams"] = upstreams_of(totals);
  status["jwt_keys"] = provider_keys_of(totals);
  status["certificates"] = expiring_files_of(totals);
  status["revocations"] = {{"entries", totals.revocations.entries},
                           {"entries_max", totals.revocations.entries_max},
                           {"memory_bytes", totals.revocations.memory},
                           {"added", totals.revocations.added},
                           {"refused", totals.revocations.refused}};
  status["findings"] = std::move(findings);
  return base::write_json(status) + "\n";
}

}  // namespace postern::admin
