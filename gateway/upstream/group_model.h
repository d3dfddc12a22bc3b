// A named upstream as the configuration describes it: immutable, part of a snapshot. What must survive a
// reload (idle connections, load, endpoints that cool down) is state: see endpoint.h and registry.h.
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

// What a hash is taken of.
struct HashSource {
  enum class Kind : uint8_t { client_address, header, cookie, query } kind = Kind::client_address;
  std::string name;  // of the field, cookie or parameter
};

struct EndpointModel {
  std::string host;  // name or address literal
  uint16_t port = 0;
  std::string unix_path;   // instead of host and port
  bool service = false;    // the host is a service (SRV), whose targets have ports of their own
  bool looked_up = false;  // the host is a name, and may lead elsewhere later
  bool tls = false;
  std::string text;           // as written, for logs
  std::string authority;      // what Host says when the client sent none
  uint32_t weight = 1;        // its share, against the others'
  bool backup = false;        // only while none of the others is available
  uint32_t max_requests = 0;  // exchanges and tunnels at once, of the whole process; 0: no limit
};

// Learns from answers which endpoint knows a value, and sends requests that bring the value there.
struct LearnModel {
  std::string response_field;
  std::string request_field;
  size_t values_max = 100'000;  // of the process; the one that was used longest ago goes
};

struct RetryModel {
  uint32_t attempts = 2;  // further ones after the first, of one request or of one turn while it is held
  Conditions on = {Condition::connect, Condition::reset};
  bool non_idempotent = false;     // also repeat methods whose effect may then happen twice
  uint64_t body_size = 64 * 1024;  // a body of at most so many bytes is kept to be sent again; 0: none
  RetryBudgetModel budget;
};

// Of requests that wait while every endpoint has as many as it may.
struct QueueModel {
  uint32_t size = 100;  // of the whole process; one more is refused at once
  base::Duration timeout = std::chrono::seconds(5);
};

struct GroupModel {
  std::string name;
  std::vector<EndpointModel> endpoints;  // at least one
  Balance balance = Balance::round_robin;
  HashSource hash;                  // of Balance::hash
  std::optional<LearnModel> learn;  // goes before the balance, where a request brings a value that is known
  base::Duration slow_start{};      // how long a weight grows once an endpoint came up; 0: it is full at once
  std::unique_ptr<const net::ClientTls> tls;  // set when any endpoint is https
  // Tells apart, across reloads, connections that were set up in another way (verification, first header).
  std::string tls_identity;
  std::string server_name;  // empty: the endpoint's host
  base::Duration connect_limit = std::chrono::seconds(5);
  base::Duration response_limit = std::chrono::seconds(60);
  base::Duration idle_limit = std::chrono::seconds(60);
  base::Duration stream_idle_limit = base::no_limit;  // instead, of answers that stay open
  base::Duration keepalive = std::chrono::seconds(55);
  size_t keepalive_connections = 512;     // per endpoint and worker
  size_t response_head_size = 64 * 1024;  // what our clients may send is another matter
  size_t response_fields = 256;
  // Connections begin with a header that names the client; none is used for a second request then.
  std::optional<net::ProxyVersion> proxy_protocol;
  RetryModel retries;
  EjectModel eject;
  std::optional<HealthModel> health;  // without it endpoints are taken for up
  std::optional<QueueModel> queue;    // without it a request fails at once when all are at their limit
  std::unique_ptr<const StickyCookie> sticky;  // null: there are no sessions
  std::optional<HoldModel> hold;               // without it a request that finds no endpoint fails at once
};

}  // namespace postern::upstream
