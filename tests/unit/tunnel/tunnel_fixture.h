// The fixture of the tunnel tests: one tunnel between two ends in memory, and the log that it writes.
#pragma once

#include <memory>
#include <string>

#include "support/log_capture.h"
#include "support/memory_transport.h"
#include "support/turn_fixture.h"
#include "tunnel/tunnel_set.h"
#include "unit/websocket/frames.h"

namespace postern::tunnel {

inline telemetry::TunnelRecord usual_facts() {
  return {.request_id = "0123456789abcdef0123456789abcdef",
          .client = "203.0.113.9",
          .host = "app.example",
          .target = "/ws?token=***",
          .route = "socket",
          .upstream = "app",
          .endpoint = "http://127.0.0.1:3001",
          .subprotocol = "chat",
          .handshake_duration = std::chrono::milliseconds(3)};
}

// The client's or the endpoint's end. `gateway` is the tunnel's transport, before the tunnel is opened.
struct TunnelEnd {
  explicit TunnelEnd(support::TurnFixture& turns) : TunnelEnd(support::connect_in_memory(turns)) {}
  explicit TunnelEnd(support::MemoryPair pair)
      : wire(pair.wire), gateway(std::move(pair.second)), peer(std::move(pair.first)) {}
  support::Passage& from() { return wire->to_second; }  // what it sends
  support::Passage& to() { return wire->to_first; }     // what it receives
  bool dropped() const { return wire->second_closed; }  // the gateway has destroyed its transport

  std::shared_ptr<support::Wire> wire;
  std::unique_ptr<net::Transport> gateway;
  support::ScriptedPeer peer;
};

// Rules without pings, so that an end can stay silent.
inline std::shared_ptr<const routing::SocketRules> no_pings() {
  routing::SocketRules rules;
  rules.ping_interval = base::no_limit;
  return std::make_shared<const routing::SocketRules>(rules);
}

struct TunnelFixture {
  explicit TunnelFixture(base::Duration idle = std::chrono::minutes(10), bool logged = true) {
    tunnels.open(std::move(client.gateway), std::move(upstream.gateway), {},
                 TunnelFacts(usual_facts(), logged), {.idle_limit = idle, .rules = no_pings()});
  }
  ~TunnelFixture() {
    tunnels.cut_all();
    turns.turn.run();
  }

  support::TurnFixture turns;
  support::LogCapture log;
  telemetry::Metrics metrics;
  state::ProcessState state;
  TunnelSet tunnels{turns.turn, log.access_log(), metrics, state};
  TunnelEnd client{turns};
  TunnelEnd upstream{turns};
};

inline std::string close_text(uint16_t code, std::string_view reason) {
  return websocket::test::server_frame(websocket::test::goodbye,
                                       websocket::test::close_payload(code, reason));
}

}  // namespace postern::tunnel
