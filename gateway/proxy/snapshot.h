// Everything immutable that a worker serves from: one configuration, compiled whole. A snapshot crosses
// threads once per reload; within a worker it is pinned, together with the groups' state that was adopted for
// it, and exchanges count on the pin.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/local_rc.h"
#include "http1/server_connection.h"
#include "net/dns_client.h"
#include "net/tls_context.h"
#include "proxy/drain_rate.h"
#include "proxy/error_pages.h"
#include "proxy/unrouted_cors.h"
#include "routing/table.h"
#include "telemetry/metrics.h"
#include "upstream/group_model.h"
#include "upstream/registry.h"

namespace postern::proxy {

// Of one listener.
struct ListenerLimits {
  http1::ServerLimits server;
  base::Duration tls_handshake = std::chrono::seconds(10);
  uint32_t connections_per_client = 2'000;  // of the whole process; 0: any
  routing::TransferLimits transfer;
};

struct ListenerModel {
  base::SocketAddress address;                // port 0: the system chooses
  std::optional<base::IpAddress> beside;      // at the same port, where the machine has this address
  std::unique_ptr<const net::ServerTls> tls;  // null: plain
  bool redirect_to_https = false;
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // paths; null: none
  uint16_t redirect_port = 443;  // of the TLS listener that a redirect leads to
  base::CidrSet proxy_trust;     // connections from here begin with a PROXY protocol header; others have none
  base::Duration proxy_header_limit = std::chrono::seconds(5);
  ListenerLimits limits;
};

// Of the whole process.
struct Limits {
  base::Duration drain = std::chrono::seconds(30);
  DrainRate drain_rate;  // of the tunnels of one worker
  uint32_t connections = 20'000;
};

// By which fields endpoints are told who asked for what. Those that are not written are passed on from
// trusted proxies and from nobody else.
struct ForwardedFields {
  bool x_forwarded = true;
  bool standard = false;  // RFC 7239; counts before the others when both were sent
};

struct Snapshot {
  uint64_t version = 0;  // counts the configurations of this process
  std::vector<ListenerModel> listeners;
  std::vector<upstream::GroupModel> groups;  // Route::upstream is an index into them
  bool tells_clients = false;                // some group's endpoints are told of clients by PROXY protocol
  routing::Table routes;
  bool strict_paths = false;  // some route has them
  Limits limits;
  base::CidrSet trusted_proxies;
  net::DnsOptions names;  // how names of endpoints are looked up
  ForwardedFields forwarded;
  ErrorPages error_pages;
  // Amends what is answered before there is a route; null: nothing to amend.
  std::unique_ptr<const policy::Policy> unrouted;
  UnroutedCors unrouted_cors;             // of the same answers
  std::string request_id_field;           // empty: no ids are sent or taken
  std::vector<std::string> claim_fields;  // set from tokens on some route: no client may send them on any
  bool via = false;
  bool access_log = true;
  std::vector<std::string> redacted_parameters;
};

// Of every route, of its WebSockets and of its event streams, for DrainLine::adopt().
std::vector<uint64_t> route_fingerprints(const Snapshot& snapshot);

struct Pinned {
  Pinned(std::shared_ptr<const Snapshot> the_snapshot, std::vector<upstream::GroupRef> the_groups,
         telemetry::Series the_series)
      : snapshot(std::move(the_snapshot)), groups(std::move(the_groups)), series(std::move(the_series)) {}
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<upstream::GroupRef> groups;  // in the order of snapshot->groups
  telemetry::Series series;  // in the order of its routes, and of its groups and their endpoints
};
using Pin = base::LocalRc<Pinned>;

// What a worker holds of `snapshot`: with its state of each upstream, and its numbers of each name.
Pin pin(std::shared_ptr<const Snapshot> snapshot, upstream::Registry& registry, telemetry::Metrics& metrics);

// Brings what the metrics say of its endpoints' states up to date, for who reads them now.
void note_endpoints(const Pinned& pinned, telemetry::Metrics& metrics);

}  // namespace postern::proxy
