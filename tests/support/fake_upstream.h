// Endpoints in memory: a dialer whose connections are memory transports. Each connection is answered by the
// behaviour of its endpoint: a function that a test writes, or one of those below. The port identifies the
// endpoint, whatever the host.
//
//   FakeUpstream upstream(fixture);
//   upstream.at(3001).behaviour = answers(response_text("hello"));
//   upstream.at(3002).reach = Reach::refused;
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/dialer.h"
#include "support/http1_relay.h"
#include "support/http_text.h"
#include "support/memory_transport.h"

namespace postern::support {

// One connection, seen from the endpoint.
class FakeConnection {
 public:
  explicit FakeConnection(MemoryPair pair) : wire_(pair.wire), peer_(std::move(pair.second)) {
    peer_.on_hearing = [this](ScriptedPeer&) { news_ = true; };
  }

  // The next complete request, if there is one; it is also kept in `requests`.
  std::optional<HttpMessage> take_request();
  // Returns everything that was received after the last complete request.
  std::string take_unread();
  void send(std::string_view bytes) {
    in_pieces(bytes, [this](std::string_view piece) { peer_.send(piece); });
  }
  void finish() { peer_.finish(); }
  void leave() { peer_.leave(); }  // closes; a clean close when all bytes were read
  void reset() { peer_.reset(); }  // closes with a reset, as a crashed process does
  ScriptedPeer& peer() { return peer_; }
  Wire& wire() { return *wire_; }
  bool gateway_closed() const { return wire_->first_closed; }

  std::vector<HttpMessage> requests;
  std::string unread;     // received, and not part of a complete request yet
  int stage = 0;          // for behaviours that have states
  bool switched = false;  // it is a WebSocket now: behaviours read `unread` themselves

 private:
  friend class FakeUpstream;
  std::shared_ptr<Wire> wire_;
  ScriptedPeer peer_;
  bool news_ = true;  // new connection or new bytes: the behaviour must be called
};

// Called when the connection is new and after bytes arrived; never from within a call of a transport.
using Behaviour = std::function<void(FakeConnection&)>;

enum class Reach : uint8_t {
  good,
  refused,
  unreachable,
  silent,          // neither connects nor refuses
  no_descriptors,  // the gateway has no descriptors left to connect with
};

struct FakeEndpoint {
  Reach reach = Reach::good;
  Behaviour behaviour;
  std::function<void(Wire&)> conduct;                        // called with the wire of each new connection
  int dials = 0;                                             // attempts to connect, those of a relay included
  std::vector<std::unique_ptr<FakeConnection>> connections;  // all connections that ever existed

  FakeConnection& last() { return *connections.back(); }
  size_t request_count() const;
  size_t open_count() const;  // connections that the gateway has open
};

class FakeUpstream final : public net::Dialer, private Filler {
 public:
  // `multiplexed`: the gateway speaks the multiplexed protocol to a relay (support/http1_relay.h), which
  // makes one connection to the endpoint for each stream that is open at the same time.
  explicit FakeUpstream(TurnFixture& turns, bool multiplexed = false)
      : turns_(turns), multiplexed_(multiplexed) {
    turns.add(*this);
  }
  FakeEndpoint& at(uint16_t port) { return endpoints_[port]; }
  size_t open_count() const;

  base::Task<base::Result<std::unique_ptr<net::Transport>>> dial(base::Scope& scope,
                                                                 const net::DialTarget& target,
                                                                 std::string& tried) override;
  bool leads_to(std::string_view, bool, const net::Peer&) override { return leads; }

  bool leads = true;  // whether names still resolve to the address of existing connections
  // All connections of the multiplexed protocol that ever existed.
  size_t relay_count() const { return relays_.size(); }

 private:
  bool fill() override;
  std::unique_ptr<net::Transport> connect(FakeEndpoint& endpoint, const net::Peer& address);
  std::unique_ptr<net::Transport> relay(FakeEndpoint& endpoint, const net::Peer& address);

  TurnFixture& turns_;
  const bool multiplexed_;
  std::map<uint16_t, FakeEndpoint> endpoints_;
  std::vector<std::unique_ptr<EndpointRelay>> relays_;
};

// --- behaviours ---

// Answers every request with this response.
Behaviour answers(std::string response);
// Answers every request with the response made for it.
Behaviour answers_with(std::function<std::string(const HttpMessage&)> make);
// Sends the first `size` bytes of the answer, then closes cleanly, or with a reset.
Behaviour closes_after(std::string response, size_t size);
Behaviour resets_after(std::string response, size_t size);
// Reads, and never answers.
Behaviour says_nothing();
// Accepts a WebSocket handshake with a 101; `fields` are further whole lines. What follows the handshake
// stays in `unread`.
Behaviour accepts_websocket(std::string fields = {}, std::string early = {});

// The Sec-WebSocket-Accept value of a key (RFC 6455 4.2.2).
std::string accept_of(std::string_view key);

}  // namespace postern::support
