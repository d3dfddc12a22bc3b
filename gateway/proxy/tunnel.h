// A WebSocket between a client and an endpoint, after the upgrade. A tunnel is all that is left of its
// exchange: parsers, heads and the coroutine are gone. Bytes pass from one transport to the other in the turn
// in which they come, without a copy while the other side takes them; a side that does not is waited for.
//
// Frames are walked over, so that the gateway can put in pings and Close frames of its own, notice what each
// side says last, and name the one that ended it. Where the route has rules, a MessageGuard on each side
// decides about frames and messages; without rules they pass as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "base/turn.h"
#include "net/transport.h"
#include "policy/socket_counts.h"
#include "proxy/drain_line.h"
#include "proxy/message_guard.h"
#include "proxy/route_sockets.h"
#include "proxy/tunnel_facts.h"
#include "routing/socket_rules.h"
#include "telemetry/metrics.h"
#include "upstream/lease.h"
#include "websocket/frame_walker.h"
#include "websocket/message_queue.h"

namespace postern::proxy {

// What a tunnel was opened under.
struct TunnelOptions {
  base::Duration idle_limit = std::chrono::hours(1);
  std::optional<uint64_t> route{};  // Route::socket_fingerprint; nothing: no reload ends it
  std::shared_ptr<const routing::SocketRules> rules{};  // never null once it is opened
  std::optional<base::Instant> expires{};               // the token that let it in
  bool frames_compressed = false;                       // permessage-deflate between the ends themselves
  int client_window_bits = 0;                           // or between the client and the gateway; 0: no
  std::vector<policy::SocketCounts::Permit> permits{};  // that it takes of the route's limits
  std::vector<MessageGuard::SharedLimit> limits{};      // that its client counts against
};

class TunnelSet;

class Tunnel final : public base::Pooled, public DrainLine::Member, private base::Timer {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
         upstream::Lease lease, TunnelFacts facts, TunnelOptions options);
  ~Tunnel() override = default;

  // Ends it from our side: each side gets a Close frame as soon as one may be put in. Nothing where it is
  // ending already.
  void close(base::Cause cause, websocket::Ending ending, std::string_view reason);
  void cut(base::Cause cause);  // at once, without ceremony
  // Somebody has left, or has said Close: what is still to be said takes its time, and has an end.
  bool is_ending() const override {
    return closing_ || client_.ended || upstream_.ended || client_.close_seen || upstream_.close_seen;
  }
  // A configuration with the routes' fingerprints `routes` (sorted) would not have opened it: its route is
  // another or gone, or its endpoint is.
  bool outdated(const std::vector<uint64_t>& routes) const override;
  void leave(bool stopping) override;

 private:
  friend class TunnelSet;
  using Pass = websocket::FrameWalker::Pass;

  // One side: what it sends goes to the other.
  struct End final : net::Transport::Receiver, websocket::FrameWalker::Visitor, MessageGuard::Receiver {
    End(Tunnel& the_tunnel, base::Side the_side) : tunnel(the_tunnel), side(the_side) {}
    void on_bytes(base::Bytes bytes) override { tunnel.pass(*this, bytes); }
    void on_drained() override { tunnel.drained(*this); }
    void on_end() override { tunnel.side_ended(*this); }
    void on_closed(base::Error) override { tunnel.side_broke(*this); }
    Pass on_frame(const websocket::FrameHeader& header) override { return tunnel.judge(*this, header); }
    Pass on_control(const websocket::FrameHeader& header, std::string_view payload) override {
      return tunnel.judge_control(*this, header, payload);
    }
    void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset,
                    bool end) override {
      guard->on_payload(header, piece, offset, end, *this);
    }
    void on_passed(base::Bytes bytes) override {
      passed += bytes.size();
      tunnel.other(*this).transport->write(bytes);
    }
    void on_message(websocket::Opcode kind, std::string_view message, std::string_view type) override {
      tunnel.send_message(tunnel.other(*this), kind, message, type);
    }

    Tunnel& tunnel;
    std::unique_ptr<net::Transport> transport;
    std::unique_ptr<MessageGuard> guard;  // null: what it sends passes as it is
    websocket::FrameWalker frames;        // of what it sends
    uint64_t passed = 0;                  // bytes that went on, as the other side gets them
    uint64_t messages = 0;                // that it sent and that went on; see whole_messages()
    base::Instant heard{};                // when it last showed that it lives
    std::optional<base::Instant> pinged{};
    std::optional<base::Instant> due{};  // MessageGuard::due(), when it was looked at last
    uint64_t acknowledged = 0;           // of what was sent to it, when it was looked at last after a ping
    uint8_t unanswered = 0;              // pings of ours
    bool owes_pong = false;  // what `pinged` stands for is a ping, not the rest of a frame on its way
    base::Side side;
    bool ended = false;
    bool waits = false;            // for the other side to take what it sent, or for its rate
    bool slowed = false;           // while it waits: its rate is yet to let it go on
    bool held_back = false;        // in this delivery: a frame of it, for the same reason
    bool close_seen = false;       // it sent a Close frame
    bool close_requested = false;  // that it is over: the gateway sends it nothing more
    bool close_sent = false;       // and it was sent a Close frame for that
    // The gateway's own, towards it.
    websocket::Role role() const {
      return side == base::Side::client ? websocket::Role::server : websocket::Role::client;
    }
    uint64_t whole_messages() const { return messages - (frames.in_last_frame() ? 1 : 0); }
  };

  // A Close that no peer may send.
  struct BadClose {
    websocket::Fault fault;
    uint16_t code;
    std::string text;
  };

  // Who ended it, how and why: the first counts.
  struct Outcome {
    base::Side by = base::Side::gateway;
    std::optional<base::Cause> cause{};
    uint16_t code = websocket::close_code::abnormal;  // for the client
    std::string reason{};
    std::string_view rule{};
  };

  End& other(const End& end) { return end.side == base::Side::client ? upstream_ : client_; }

  websocket::Deflate* client_deflate();

  // Bytes on their way.
  void pass(End& from, base::Bytes bytes);
  Pass judge(End& from, const websocket::FrameHeader& header);
  Pass judge_control(End& from, const websocket::FrameHeader& header, std::string_view payload);
  void after_bytes(End& from, base::Bytes rest);
  void send_message(End& to, websocket::Opcode kind, std::string_view message, std::string_view type);
  void endpoint_said_something(bool begins);
  bool must_wait_for(const End& end) const;
  bool client_is_behind() const;
  uint64_t left_to_client() const;
  void count_dropped(uint64_t messages);
  void count_passed(base::Side from, uint64_t bytes);
  void abandon_queue();
  bool is_throttled(const End& end) const;
  bool has_become_due(End& end);
  void resume_if_allowed(End& end);
  void drained(End& end);

  // How it ends: tunnel_end.cpp.
  Pass note_close(End& from, std::string_view payload);
  void refuse_close(End& guilty);
  void side_ended(End& end);
  void side_broke(End& end);
  void upstream_left(std::string_view how);
  void side_is_silent(End& end);
  void refuse(End& guilty);
  void end_by(base::Side by, base::Cause cause, websocket::Ending ending, std::string_view reason);
  void begin_closing(uint16_t to_client, uint16_t to_upstream, std::string_view reason);
  void end_within(base::Duration limit);
  void time_out();
  bool may_finish(const End& end) const;
  base::Chunk answer_to_close(const End& end) const;
  void send_close(End& end);
  void set_outcome(Outcome outcome);
  void lose_undelivered(base::Side by, base::Cause cause);
  void finish();

  // What time brings.
  void on_deadline() override;
  base::Instant quiet_since() const;
  void check_liveness(End& end);
  void send_heartbeat();
  void arm_next();

  const routing::SocketRules& rules() const { return *options_.rules; }

  TunnelSet& set_;
  End client_;
  End upstream_;
  upstream::Lease lease_;
  TunnelFacts facts_;
  TunnelOptions options_;
  std::unique_ptr<websocket::MessageQueue> queue_;  // for the client; null: the endpoint waits for it
  RouteSockets::Handle route_sockets_;
  base::Instant opened_;
  base::Instant greeted_{};         // when the first message was passed on to the client; Instant{}: none was
  base::Instant next_heartbeat_{};  // the next heartbeat
  base::Instant end_by_{};          // while is_ending()
  base::Instant ending_since_{};
  uint64_t left_to_client_ = 0;          // when end_by_ was set
  uint64_t dropped_ = 0;                 // messages, either way
  std::optional<BadClose> bad_close_{};  // that a side has just sent, where frames pass as they are
  base::LinkIn<Tunnel> link_;
  std::optional<Outcome> outcome_;
  uint16_t code_to_client_ = 0;  // while closing
  uint16_t code_to_upstream_ = 0;
  bool closing_ = false;    // the gateway ends it
  bool finishing_ = false;  // then: what the client has sent already is passed on
  bool over_ = false;
};

}  // namespace postern::proxy
