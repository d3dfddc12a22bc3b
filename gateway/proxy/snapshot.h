// Everything immutable that a worker serves from: one compiled configuration. A snapshot crosses threads once
// per reload. Within a worker it is pinned, together with the groups' state that was adopted for it, and each
// exchange holds a pin.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/local_rc.h"
#include "net/dns_client.h"
#include "net/tls_context.h"
#include "proxy/error_pages.h"
#include "proxy/listener_limits.h"
#include "proxy/logged_parts.h"
#include "proxy/unrouted_cors.h"
#include "routing/table.h"
#include "state/process_state.h"
#include "telemetry/metrics.h"
#include "tunnel/drain_line.h"
#include "tunnel/drain_rate.h"
#include "upstream/group_model.h"
#include "upstream/registry.h"

namespace postern::proxy {

struct ListenerModel {
  base::SocketAddress address;                // port 0: the system chooses one
  std::optional<base::IpAddress> beside;      // a second address at the same port, if the machine has it
  std::unique_ptr<const net::ServerTls> tls;  // null: without TLS
  bool redirect_to_https = false;
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // paths; null: none
  uint16_t redirect_port = 443;  // of the TLS listener that a redirect leads to
  net::ProxyHeaderRules proxy_protocol;
  ListenerLimits limits;
};

// The limits of the whole process.
struct Limits {
  base::Duration drain = std::chrono::seconds(30);
  tunnel::DrainRate drain_rate;  // of the tunnels of one worker
  uint32_t connections = 20'000;
};

// The fields in which endpoints receive the client's address and what it asked for. Fields that the gateway
// does not write are passed on from trusted proxies only.
struct ForwardedFields {
  bool x_forwarded = true;
  bool standard = false;  // RFC 7239; has precedence when both were sent
};

struct Snapshot {
  uint64_t version = 0;  // number of the configuration within this process
  std::vector<ListenerModel> listeners;
  std::vector<upstream::GroupModel> groups;  // routing::ToUpstream::group is an index into them
  bool tells_clients = false;                // some group sends PROXY protocol headers to its endpoints
  routing::Table routes;
  state::Names state;         // that its policies and rules refer to
  bool strict_paths = false;  // some route has strict paths
  Limits limits;
  base::CidrSet trusted_proxies;
  net::DnsOptions names;  // how endpoint names are resolved
  ForwardedFields forwarded;
  ErrorPages error_pages;
  // Amends answers that are made before a route is found; null: nothing to amend.
  std::unique_ptr<const policy::Policy> unrouted;
  UnroutedCors unrouted_cors;    // for the same answers
  std::string request_id_field;  // empty: no ids are sent or accepted
  // Set from tokens, users or client certificates on some route; no client may send them on any route.
  std::vector<std::string> claim_fields;
  bool via = false;
  bool access_log = true;
  TokenParts logged_token;
  CertificateParts logged_certificate;
  std::vector<std::string> redacted_parameters;
  std::vector<telemetry::ExpiringFile> expiring_files;  // certificates and revocation lists
};

struct Pinned {
  Pinned(std::shared_ptr<const Snapshot> the_snapshot, std::vector<upstream::GroupRef> the_groups,
         state::Bindings the_state, telemetry::Series the_series)
      : snapshot(std::move(the_snapshot)),
        groups(std::move(the_groups)),
        state(std::move(the_state)),
        series(std::move(the_series)) {}
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<upstream::GroupRef> groups;  // in the order of snapshot->groups
  state::Bindings state;                   // of snapshot->state
  telemetry::Series series;                // in the order of the snapshot's routes, groups and endpoints
};
using Pin = base::LocalRc<Pinned>;

// Pins `snapshot` for a worker, with the worker's state of each upstream, the process's state of all that it
// names, and the worker's metrics of each name.
Pin pin(std::shared_ptr<const Snapshot> snapshot, upstream::Registry& registry,
        state::ProcessState& process_state, telemetry::Metrics& metrics);

// What WebSockets and event streams may be open under at this moment, for DrainLine::adopt().
tunnel::CurrentRoutes current_routes(const Pinned& pinned);

// Updates the metrics of the endpoints' states before they are read.
void note_endpoints(const Pinned& pinned, telemetry::Metrics& metrics);

}  // namespace postern::proxy
