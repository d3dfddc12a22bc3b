// Metrics: counters and gauges as plain integers of one worker, which only its thread touches. A reader asks
// the worker for a copy and adds the copies up. Labels are bounded: they come from the error table and from
// names in the configuration.
//
// To add a counter: add an enumerator here, its row at the same position of the table in metrics.cpp, and
// `metrics.process.add(Count::that)` where it happens.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error_fwd.h"
#include "base/local_rc.h"
#include "telemetry/histogram.h"
#include "telemetry/reported_rule.h"

namespace postern::telemetry {

// Numbers of the whole process.
enum class Count : uint8_t {
  connections_accepted,
  connections_open,
  tunnels_opened,
  tunnels_open,
  tunnel_bytes_from_clients,
  tunnel_bytes_to_clients,
  messages_dropped,
  sockets_refusing,
  tokens_renewed,
  streams_opened,
  streams_open,
  end,  // not a number: the count of enumerators
};
// Numbers of each route, and of the requests that match no route.
enum class RouteCount : uint8_t {
  requests_without_status,  // the client left before there was a status
  requests_1xx,
  requests_2xx,
  requests_3xx,
  requests_4xx,
  requests_5xx,
  request_body_bytes,
  response_body_bytes,
  sockets_open,
  sockets_silent,
  streams_open,
  // requests that a rule would have refused, in the order of ReportedRule
  would_refuse_origins,
  would_refuse_csrf,
  would_refuse_address_rules,
  would_refuse_rate_limit,
  would_refuse_jwt,
  would_refuse_required_claims,
  // what forward_auth has made of requests
  auth_passed,
  auth_refused,
  auth_failed,
  auth_cached,  // of these, how many without asking the authentication server
  // what has become of requests whose expired token was exchanged (jwt.refresh)
  refresh_done,
  refresh_refused,
  refresh_failed,
  end,
};
// Numbers of each upstream.
enum class UpstreamCount : uint8_t {
  attempts,
  retries,
  end,
};
// Numbers of each endpoint of an upstream.
enum class EndpointCount : uint8_t {
  attempts,
  failures,
  // deviations of its responses, in the order of Deviation
  both_lengths,
  repeated_length,
  repeated_chunked,
  chunked_in_http_1_0,
  line_feed,
  folded_field,
  space_before_colon,
  padded_chunk_size,
  end,
};

// Numbers of each provider of tokens: requests of its routes, by what became of their tokens.
enum class ProviderCount : uint8_t {
  accepted,
  token_missing,
  token_malformed,
  token_expired,
  token_not_yet_valid,
  token_signature,
  token_algorithm,
  token_key_unknown,
  token_claims,
  claims_refused,
  keys_unavailable,
  other,
  end,
};

enum class Kind : uint8_t { counter, gauge };

// How a number is exported. Consecutive rows with the same name are one metric with different labels.
template <class Name>
struct NumberRow {
  Name number;
  std::string_view metric;  // "postern_requests_total"
  std::string_view label;   // class="2xx", in addition to the labels of its series; empty: none
  Kind kind;
  std::string_view help;
};
std::span<const NumberRow<Count>> rows(Count);
std::span<const NumberRow<RouteCount>> rows(RouteCount);
std::span<const NumberRow<UpstreamCount>> rows(UpstreamCount);
std::span<const NumberRow<EndpointCount>> rows(EndpointCount);
std::span<const NumberRow<ProviderCount>> rows(ProviderCount);

// One number for each enumerator.
template <class Name>
class Numbers {
 public:
  void add(Name name, uint64_t amount = 1) { values_[static_cast<size_t>(name)] += amount; }
  // For gauges. One worker's value may wrap below zero when another worker's compensates for it: the sum is
  // right.
  void subtract(Name name, uint64_t amount = 1) { values_[static_cast<size_t>(name)] -= amount; }
  void set(Name name, uint64_t value) { values_[static_cast<size_t>(name)] = value; }
  uint64_t operator[](Name name) const { return values_[static_cast<size_t>(name)]; }
  void add(const Numbers& other) {
    for (size_t i = 0; i < values_.size(); ++i) values_[i] += other.values_[i];
  }

 private:
  std::array<uint64_t, static_cast<size_t>(Name::end)> values_{};
};

// Counts of all failures by cause and stage, those before routing included.
class Failures {
 public:
  void add(base::Error error) { ++counts_[index(error)]; }
  uint64_t operator[](base::Error error) const { return counts_[index(error)]; }
  void add(const Failures& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

 private:
  static size_t index(base::Error error) {
    return static_cast<size_t>(error.cause) * base::stage_max + static_cast<size_t>(error.stage);
  }
  std::array<uint64_t, static_cast<size_t>(base::cause_max) * base::stage_max> counts_{};
};

// Counts of closed WebSockets by route, side, close code and cause. Peers choose the codes, so the number of
// different kinds per route is limited; further kinds are counted with the code 0.
class SocketEndings {
 public:
  struct Kind {
    base::Side by = base::Side::gateway;
    uint16_t code = 0;         // as the client received it; 1006: it received no Close frame
    std::string_view cause{};  // the label of a base::Cause; empty: a clean close
    friend auto operator<=>(const Kind&, const Kind&) = default;
  };
  using Counts = std::map<Kind, uint64_t>;
  static constexpr size_t kinds_max = 64;  // of one route

  void closed(std::string_view route, base::Side by, uint16_t code, std::string_view cause);
  void add(const SocketEndings& other);
  // Removes the routes that are not in `routes`.
  void keep(const std::vector<std::string>& routes);
  const std::map<std::string, Counts, std::less<>>& routes() const { return routes_; }

 private:
  void add(std::string_view route, Kind kind, uint64_t count);
  std::map<std::string, Counts, std::less<>> routes_;
};

struct RouteSeries : Numbers<RouteCount> {
  using Numbers::add;
  void add(const RouteSeries& other) {
    Numbers::add(other);
    durations.add(other.durations);
  }
  // Counts a request that passed although the rule, which reports only, would have refused it.
  void would_refuse(ReportedRule rule) {
    add(static_cast<RouteCount>(static_cast<size_t>(RouteCount::would_refuse_origins) +
                                static_cast<size_t>(rule)));
  }
  // Counts one exchange. `status` 0: no response was started.
  void exchange(uint16_t status, base::Duration duration, uint64_t request_bytes, uint64_t response_bytes);

  Histogram durations;  // of exchanges; the exchange of a handshake ends where its tunnel begins
};
using UpstreamSeries = Numbers<UpstreamCount>;
using EndpointSeries = Numbers<EndpointCount>;
struct ProviderSeries : Numbers<ProviderCount> {
  using Numbers::add;
  // Counts a token. `refused` is the cause for which it was refused; nullopt: it was accepted.
  void token(std::optional<base::Cause> refused);
};

// The state of an endpoint as the workers see it; each worker judges it by its own traffic.
struct EndpointState {
  uint32_t up = 0;                   // workers that send requests to it
  uint32_t ejected = 0;              // workers that have ejected it after failures
  uint32_t unreachable = 0;          // workers that skip it for one second after a failed connect
  uint32_t unhealthy = 0;            // workers for which its health checks fail
  base::Duration passed_over_for{};  // until the last of the current ejections ends
  uint64_t in_flight = 0;            // requests and tunnels
  uint64_t connections_idle = 0;

  void add(const EndpointState& other);
};

// The keys of one provider of tokens, which the process fetches.
struct ProviderKeys {
  uint64_t fetched = 0;         // fetches since the start that have brought keys
  uint64_t failed = 0;          // and those that have not
  uint64_t keys = 0;            // in use
  base::Duration age{};         // of the keys in use; 0 without keys
  base::Duration next_fetch{};  // time until it
};

// A file whose content is of use until a time only.
struct ExpiringFile {
  std::string file;
  std::string_view use;    // "certificate", "client_ca", "client_crl", "client_certificate"
  int64_t expires_at = 0;  // Unix seconds
};

// The revocations of tokens, which all workers share.
struct RevocationNumbers {
  uint64_t entries = 0;  // in effect, or not removed yet
  uint64_t entries_max = 0;
  uint64_t memory = 0;   // bytes of their table
  uint64_t added = 0;    // since the start
  uint64_t refused = 0;  // likewise, because the table was full
};

// A copy that may be passed to another thread, and the sum of such copies.
struct Totals {
  using Endpoint = std::pair<std::string, std::string>;  // upstream, endpoint

  void add(const Totals& other);

  Numbers<Count> process;
  Failures failures;
  SocketEndings sockets;
  std::map<std::string, RouteSeries> routes;  // "": requests that match no route
  std::map<std::string, UpstreamSeries> upstreams;
  std::map<Endpoint, EndpointSeries> endpoints;
  std::map<Endpoint, EndpointState> endpoint_states;
  std::vector<ExpiringFile> expiring_files;           // of the process as well
  std::map<std::string, ProviderSeries> providers;    // by the name in jwt
  std::map<std::string, ProviderKeys> provider_keys;  // of the process, not of a worker; by the same name
  RevocationNumbers revocations;                      // of the process
};

// The names in a configuration, in its order.
struct SeriesNames {
  struct Upstream {
    std::string name;
    std::vector<std::string> endpoints;
  };
  std::vector<std::string> routes;
  std::vector<Upstream> upstreams;
  std::vector<std::string> providers{};
};

// The numbers that the exchanges of that configuration count in, in the same order.
struct Series {
  struct Upstream {
    base::LocalRc<UpstreamSeries> all;
    std::vector<base::LocalRc<EndpointSeries>> endpoints;
  };
  std::vector<base::LocalRc<RouteSeries>> routes;
  std::vector<Upstream> upstreams;
  std::vector<base::LocalRc<ProviderSeries>> providers;
};

// The metrics of one worker.
class Metrics {
 public:
  // Numbers of names that existed before continue; those of names that are gone are no longer shown.
  Series adopt(const SeriesNames& names);
  Totals totals() const;
  // Null when the configuration adopted last has no such route.
  RouteSeries* route(std::string_view name);

  Numbers<Count> process;
  Failures failures;
  SocketEndings sockets;
  RouteSeries unrouted;
  std::map<Totals::Endpoint, EndpointState> endpoint_states;  // as of the last time that they were recorded

 private:
  std::map<std::string, base::LocalRc<RouteSeries>, std::less<>> routes_;
  std::map<std::string, base::LocalRc<UpstreamSeries>> upstreams_;
  std::map<Totals::Endpoint, base::LocalRc<EndpointSeries>> endpoints_;
  std::map<std::string, base::LocalRc<ProviderSeries>> providers_;
};

}  // namespace postern::telemetry
