// A named upstream as it is configured: immutable, part of a snapshot. The state that survives a reload (idle
// connections, load, cooling endpoints) is in endpoint.h and registry.h. GroupSettings is what the operator
// writes; GroupModel adds what is made of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/proxy_protocol.h"
#include "net/tls_context.h"
#include "upstream/conditions.h"
#include "upstream/ejection.h"
#include "upstream/health.h"
#include "upstream/hold_queue.h"
#include "upstream/retry_budget.h"
#include "upstream/sticky_cookie.h"

namespace postern::upstream {

enum class Balance : uint8_t { round_robin, least_connections, power_of_two_choices, random, hash };

// The value that is hashed.
struct HashSource {
  enum class Kind : uint8_t { client_address, header, cookie, query } kind = Kind::client_address;
  std::string name;  // of the field, cookie or parameter
};

struct EndpointModel {
  std::string host;  // a name or an address literal
  uint16_t port = 0;
  std::string unix_path;   // used instead of host and port
  bool service = false;    // the host is a service (SRV), whose targets have their own ports
  bool looked_up = false;  // the host is a name, which may resolve to other addresses later
  bool tls = false;
  std::string text;           // as configured, for logs
  std::string authority;      // the Host value when the client sent none
  uint32_t weight = 1;        // in relation to the other endpoints
  bool backup = false;        // used only while none of the others is available
  uint32_t max_requests = 0;  // concurrent exchanges and tunnels of the whole process; 0: no limit
};

// Learns from responses which endpoint gave a value, and sends requests with that value to the same endpoint.
struct LearnModel {
  std::string response_field;
  std::string request_field;
  size_t values_max = 100'000;  // of the process; the least recently used value is removed
};

struct RetryModel {
  uint32_t attempts = 2;  // retries after the first attempt, of one request or of one turn while it is held
  Conditions on = {Condition::connect, Condition::reset};
  bool non_idempotent = false;     // also retry methods whose effect may then happen twice
  uint64_t body_size = 64 * 1024;  // largest body that is kept for a retry, in bytes; 0: none
  RetryBudgetModel budget;
};

// The queue of requests that wait while every endpoint is at its limit.
struct QueueModel {
  uint32_t size = 100;  // of the whole process; further requests are refused at once
  base::Duration timeout = std::chrono::seconds(5);
};

struct GroupSettings {
  std::string name;
  Balance balance = Balance::round_robin;
  HashSource hash;                  // for Balance::hash
  std::optional<LearnModel> learn;  // takes precedence over the balance for a known value
  base::Duration slow_start{};  // how long a weight grows after an endpoint came up; 0: full weight at once
  std::string server_name;      // empty: the endpoint's host
  base::Duration connect_limit = std::chrono::seconds(5);
  base::Duration response_limit = std::chrono::seconds(60);
  base::Duration idle_limit = std::chrono::seconds(60);
  base::Duration stream_idle_limit = base::no_limit;  // replaces it for responses that stay open
  base::Duration keepalive = std::chrono::seconds(55);
  size_t keepalive_connections = 512;     // per endpoint and worker
  size_t response_head_size = 64 * 1024;  // independent of the limit for clients' heads
  size_t response_fields = 256;
  // Connections begin with a PROXY header that names the client; such a connection serves only one request.
  std::optional<net::ProxyVersion> proxy_protocol;
  RetryModel retries;
  EjectModel eject;
  std::optional<HealthModel> health;  // without it endpoints count as up
  std::optional<QueueModel> queue;    // without it a request fails at once when all are at their limit
  std::optional<HoldModel> hold;      // without it a request that finds no endpoint fails at once
};

struct GroupModel : GroupSettings {
  std::vector<EndpointModel> endpoints;       // at least one
  std::unique_ptr<const net::ClientTls> tls;  // set when any endpoint is https
  // Distinguishes, across reloads, connections that were set up differently (verification, PROXY header).
  std::string tls_identity;
  std::unique_ptr<const StickyCookie> sticky;  // null: no sticky sessions
};

}  // namespace postern::upstream
