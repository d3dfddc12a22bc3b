// Endpoints in memory. A dialer whose connections are memory transports, each answered by its endpoint's
// behaviour: a function that a test writes, or one of those below. Ports tell endpoints apart, whatever the
// host.
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
#include "support/http_text.h"
#include "support/memory_transport.h"

namespace postern::support {

// One connection, as the endpoint has it.
class FakeConnection {
 public:
  explicit FakeConnection(MemoryPair pair) : wire_(pair.wire), peer_(std::move(pair.second)) {
    peer_.on_hearing = [this](ScriptedPeer&) { news_ = true; };
  }

  // The next whole request, if it is there; kept in `requests` as well.
  std::optional<HttpMessage> take_request();
  // Everything that was heard beyond the requests.
  std::string take_unread();
  void send(std::string_view bytes) {
    in_pieces(bytes, [this](std::string_view piece) { peer_.send(piece); });
  }
  void finish() { peer_.finish(); }
  void leave() { peer_.leave(); }  // closes, in good order when all was read
  void reset() { peer_.reset(); }  // as a crashed process does
  ScriptedPeer& peer() { return peer_; }
  Wire& wire() { return *wire_; }
  bool gateway_closed() const { return wire_->first_closed; }

  std::vector<HttpMessage> requests;
  std::string unread;     // heard, and in no whole request yet
  int stage = 0;          // for behaviours with a memory
  bool switched = false;  // a WebSocket now: behaviours look at `unread` themselves

 private:
  friend class FakeUpstream;
  std::shared_ptr<Wire> wire_;
  ScriptedPeer peer_;
  bool news_ = true;  // new, or new bytes: the behaviour is to be asked
};

// Called when the connection is new, and after bytes came; never from within a transport's call.
using Behaviour = std::function<void(FakeConnection&)>;

enum class Reach : uint8_t {
  good,
  refused,
  unreachable,
  silent,          // neither connects nor refuses
  no_descriptors,  // the gateway has none left to reach it with
};

struct FakeEndpoint {
  Reach reach = Reach::good;
  Behaviour behaviour;
  std::function<void(Wire&)> conduct;  // called for each new connection's wire
  int dials = 0;
  std::vector<std::unique_ptr<FakeConnection>> connections;  // all there ever were

  FakeConnection& last() { return *connections.back(); }
  size_t request_count() const;
  size_t open_count() const;  // that the gateway still holds
};

class FakeUpstream final : public net::Dialer, private Filler {
 public:
  explicit FakeUpstream(TurnFixture& turns) : turns_(turns) { turns.add(*this); }
  FakeEndpoint& at(uint16_t port) { return endpoints_[port]; }
  size_t open_count() const;

  base::Task<base::Result<std::unique_ptr<net::Transport>>> dial(base::Scope& scope,
                                                                 const net::DialTarget& target,
                                                                 std::string& tried) override;
  bool leads_to(std::string_view, bool, const net::Peer&) override { return leads; }

  bool leads = true;  // whether names lead where the connections were made to

 private:
  bool fill() override;

  TurnFixture& turns_;
  std::map<uint16_t, FakeEndpoint> endpoints_;
};

// --- behaviours ---

// Every request gets this answer.
Behaviour answers(std::string response);
// Every request gets the answer made for it.
Behaviour answers_with(std::function<std::string(const HttpMessage&)> make);
// The first `size` bytes of the answer, then a close in good order; or a reset.
Behaviour closes_after(std::string response, size_t size);
Behaviour resets_after(std::string response, size_t size);
// Reads, and never answers.
Behaviour says_nothing();
// Takes a WebSocket handshake with 101; `fields` are further whole lines. What comes after it stays in
// `unread`.
Behaviour accepts_websocket(std::string fields = {}, std::string early = {});

// Sec-WebSocket-Accept of a key (RFC 6455 4.2.2).
std::string accept_of(std::string_view key);

}  // namespace postern::support
