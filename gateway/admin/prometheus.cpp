#include "admin/prometheus.h"

#include <array>

#include "base/error.h"
#include "base/text_builder.h"

namespace postern::admin {
namespace {

using base::TextBuilder;
using telemetry::Histogram;

// Appends `name="value"` to the labels. A value may contain any text: quotes, backslashes and line feeds are
// escaped.
void add_label(TextBuilder& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels.append(',');
  labels.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\n') {
      labels.append("\\n");
      continue;
    }
    if (c == '"' || c == '\\') labels.append('\\');
    labels.append(c);
  }
  labels.append('"');
}

void family(TextBuilder& out, std::string_view metric, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(metric).append(' ').append(help).append('\n');
  out.append("# TYPE ").append(metric).append(' ').append(type).append('\n');
}

// Appends "metric{labels,more} ", the part before the value.
void sample(TextBuilder& out, std::string_view metric, std::string_view labels, std::string_view more = {}) {
  out.append(metric);
  if (!labels.empty() || !more.empty()) {
    out.append('{').append(labels);
    if (!labels.empty() && !more.empty()) out.append(',');
    out.append(more).append('}');
  }
  out.append(' ');
}

template <class Name>
void value(TextBuilder& out, const telemetry::Numbers<Name>& numbers, const telemetry::NumberRow<Name>& row,
           std::string_view labels) {
  sample(out, row.metric, labels, row.label);
  out.append_number(numbers[row.number]).append('\n');
}

// Writes all numbers of `series`, metric by metric. `labels_of` writes the labels of one key.
template <class Name, class Map, class LabelsOf>
void write_numbers(TextBuilder& out, const Map& series, LabelsOf labels_of) {
  const std::span<const telemetry::NumberRow<Name>> rows = telemetry::rows(Name{});
  TextBuilder labels;
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && rows[end].metric == rows[begin].metric) ++end;
    family(out, rows[begin].metric, rows[begin].kind == telemetry::Kind::counter ? "counter" : "gauge",
           rows[begin].help);
    for (const auto& [key, numbers] : series) {
      labels.clear();
      labels_of(labels, key);
      for (const auto& row : rows.subspan(begin, end - begin)) value(out, numbers, row, labels.view());
    }
  }
}

void write_failures(TextBuilder& out, const telemetry::Failures& failures) {
  constexpr std::string_view metric = "postern_failures_total";
  family(out, metric, "counter",
         "What failed or was refused, by cause and stage; at the stages accept and tls_handshake whole "
         "connections.");
  TextBuilder labels;
  for (int cause = 0; cause < base::cause_count; ++cause) {
    for (int stage = 0; stage < base::stage_count; ++stage) {
      const base::Error error{static_cast<base::Cause>(cause), static_cast<base::Stage>(stage)};
      if (failures[error] == 0) continue;  // most combinations never occur
      labels.clear();
      add_label(labels, "cause", base::traits(error.cause).label);
      add_label(labels, "stage", base::label(error.stage));
      sample(out, metric, labels.view());
      out.append_number(failures[error]).append('\n');
    }
  }
}

// An empty label means the same as no label, so requests without a route get "none". No route has this name.
void add_route(TextBuilder& labels, std::string_view route) {
  add_label(labels, "route", route.empty() ? "none" : route);
}

void write_sockets(TextBuilder& out, const telemetry::SocketEndings& sockets) {
  constexpr std::string_view metric = "postern_websocket_closes_total";
  family(out, metric, "counter",
         "How WebSockets ended, by route, side, close code as the client knows it (0: any other) and cause.");
  TextBuilder labels;
  for (const auto& [route, counts] : sockets.routes()) {
    for (const auto& [kind, count] : counts) {
      labels.clear();
      add_route(labels, route);
      add_label(labels, "by", base::label(kind.by));
      add_label(labels, "code", std::to_string(kind.code));
      add_label(labels, "cause", kind.cause.empty() ? "none" : kind.cause);
      sample(out, metric, labels.view());
      out.append_number(count).append('\n');
    }
  }
}

void add_endpoint(TextBuilder& labels, const telemetry::Totals::Endpoint& endpoint) {
  add_label(labels, "upstream", endpoint.first);
  add_label(labels, "endpoint", endpoint.second);
}

void write_endpoint_states(TextBuilder& out, const telemetry::Totals& totals) {
  struct Gauge {
    std::string_view metric;
    std::string_view help;
    uint64_t (*value)(const telemetry::EndpointState&);
  };
  constexpr std::array gauges = {
      Gauge{"postern_upstream_endpoint_up",
            "1: at least one worker sends the endpoint requests; 0: every worker passes it over, since its "
            "health checks fail, its failures ejected it, or a connect has just failed.",
            [](const telemetry::EndpointState& state) -> uint64_t { return state.up > 0 ? 1 : 0; }},
      Gauge{"postern_upstream_endpoint_in_flight",
            "Requests and tunnels that the endpoint has at this moment.",
            [](const telemetry::EndpointState& state) { return state.in_flight; }},
      Gauge{"postern_upstream_endpoint_connections_idle",
            "Open connections to the endpoint that wait for a request.",
            [](const telemetry::EndpointState& state) { return state.connections_idle; }},
  };
  TextBuilder labels;
  for (const Gauge& gauge : gauges) {
    family(out, gauge.metric, "gauge", gauge.help);
    for (const auto& [endpoint, state] : totals.endpoint_states) {
      labels.clear();
      add_endpoint(labels, endpoint);
      sample(out, gauge.metric, labels.view());
      out.append_number(gauge.value(state)).append('\n');
    }
  }
}

void add_provider(TextBuilder& labels, std::string_view provider) { add_label(labels, "jwt", provider); }

void write_provider_keys(TextBuilder& out, const telemetry::Totals& totals) {
  using telemetry::ProviderKeys;
  if (totals.provider_keys.empty()) return;
  TextBuilder labels;
  constexpr std::string_view fetches = "postern_jwt_key_fetches_total";
  family(out, fetches, "counter", "Fetches of the keys of a jwt section from its provider, by outcome.");
  for (const auto& [name, keys] : totals.provider_keys) {
    for (const auto& [outcome, count] :
         {std::pair("fetched", keys.fetched), std::pair("failed", keys.failed)}) {
      labels.clear();
      add_provider(labels, name);
      add_label(labels, "outcome", outcome);
      sample(out, fetches, labels.view());
      out.append_number(count).append('\n');
    }
  }
  struct Gauge {
    std::string_view metric;
    std::string_view help;
    double (*value)(const ProviderKeys&);
  };
  constexpr std::array gauges = {
      Gauge{"postern_jwt_keys", "Keys of a jwt section that were fetched and are in use.",
            [](const ProviderKeys& keys) { return static_cast<double>(keys.keys); }},
      Gauge{"postern_jwt_keys_age_seconds", "Time since the keys in use were last fetched.",
            [](const ProviderKeys& keys) { return base::milliseconds_of(keys.age) / 1e3; }},
      Gauge{"postern_jwt_keys_next_fetch_seconds", "Time until the keys are fetched again.",
            [](const ProviderKeys& keys) { return base::milliseconds_of(keys.next_fetch) / 1e3; }},
  };
  for (const Gauge& gauge : gauges) {
    family(out, gauge.metric, "gauge", gauge.help);
    for (const auto& [name, keys] : totals.provider_keys) {
      labels.clear();
      add_provider(labels, name);
      sample(out, gauge.metric, labels.view());
      out.append_shortest(gauge.value(keys)).append('\n');
    }
  }
}

void write_expiring_files(TextBuilder& out, const telemetry::Totals& totals) {
  constexpr std::string_view metric = "postern_certificate_expiry_timestamp_seconds";
  if (totals.expiring_files.empty()) return;
  family(out, metric, "gauge",
         "When the certificate of a file, the first of several, or a revocation list (client_crl) expires.");
  TextBuilder labels;
  for (const telemetry::ExpiringFile& one : totals.expiring_files) {
    labels.clear();
    add_label(labels, "use", one.use);
    add_label(labels, "file", one.file);
    sample(out, metric, labels.view());
    out.append_number(one.expires_at).append('\n');
  }
}

void write_revocations(TextBuilder& out, const telemetry::RevocationNumbers& revocations) {
  const auto write = [&out](std::string_view metric, std::string_view type, std::string_view help,
                            uint64_t number) {
    family(out, metric, type, help);
    sample(out, metric, {});
    out.append_number(number).append('\n');
  };
  write("postern_revocations", "gauge", "Revocations of tokens that are in effect.", revocations.entries);
  write("postern_revocations_memory_bytes", "gauge", "Memory of the table of revocations.",
        revocations.memory);
  write("postern_revocations_added_total", "counter",
        "Revocations that were taken, and logout tokens that were noted as used.", revocations.added);
  write("postern_revocations_refused_total", "counter",
        "Revocations that were refused because the table is full.", revocations.refused);
}

void write_durations(TextBuilder& out, const std::map<std::string, telemetry::RouteSeries>& routes) {
  family(out, "postern_request_duration_seconds", "histogram",
         "From a request's head to the end of its exchange; of an upgrade, to where its tunnel begins.");
  TextBuilder labels;
  TextBuilder bound;
  for (const auto& [route, series] : routes) {
    labels.clear();
    add_route(labels, route);
    uint64_t below = 0;
    for (size_t i = 0; i < Histogram::buckets; ++i) {
      below += series.durations.count_in(i);
      bound.clear();
      bound.append("le=\"");
      if (i < Histogram::bounded)
        bound.append_shortest(Histogram::bound(i));
      else
        bound.append("+Inf");
      bound.append('"');
      sample(out, "postern_request_duration_seconds_bucket", labels.view(), bound.view());
      out.append_number(below).append('\n');
    }
    sample(out, "postern_request_duration_seconds_sum", labels.view());
    out.append_shortest(series.durations.sum_seconds()).append('\n');
    sample(out, "postern_request_duration_seconds_count", labels.view());
    out.append_number(below).append('\n');
  }
}

}  // namespace

std::string prometheus_text(const telemetry::Totals& totals) {
  TextBuilder out(16 * 1024);
  const std::array process = {std::pair("", totals.process)};
  write_numbers<telemetry::Count>(out, process, [](TextBuilder&, const char*) {});
  write_failures(out, totals.failures);
  write_sockets(out, totals.sockets);
  write_numbers<telemetry::RouteCount>(
      out, totals.routes, [](TextBuilder& labels, const std::string& route) { add_route(labels, route); });
  write_durations(out, totals.routes);
  write_numbers<telemetry::UpstreamCount>(
      out, totals.upstreams,
      [](TextBuilder& labels, const std::string& upstream) { add_label(labels, "upstream", upstream); });
  write_numbers<telemetry::EndpointCount>(
      out, totals.endpoints, [](TextBuilder& labels, const telemetry::Totals::Endpoint& endpoint) {
        add_endpoint(labels, endpoint);
      });
  write_endpoint_states(out, totals);
  if (!totals.providers.empty()) write_numbers<telemetry::ProviderCount>(out, totals.providers, add_provider);
  write_provider_keys(out, totals);
  write_expiring_files(out, totals);
  write_revocations(out, totals.revocations);
  return std::string(out.view());
}

}  // namespace postern::admin
