// Bytes both ways between a client and an endpoint, after the upgrade. A tunnel is all that is left of its
// exchange: parsers, heads and the story are gone. Bytes pass from one transport to the other in the turn in
// which they come, without a copy while the other side takes them; a side that does not is waited for.
//
// Frames pass unchanged. Walking over their headers tells the gateway where it may put a Close frame of its
// own, so that a client learns a code and a reason also when its endpoint died.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "base/turn.h"
#include "net/transport.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "upstream/lease.h"
#include "websocket/frame_walker.h"

namespace postern::proxy {

// What the log says about a tunnel, in one piece of memory.
class TunnelFacts {
 public:
  TunnelFacts() = default;
  TunnelFacts(const telemetry::TunnelRecord& record, bool logged);
  telemetry::TunnelRecord record() const;
  bool logged() const { return logged_; }

 private:
  static constexpr size_t count = 9;
  std::string text_;
  std::array<uint32_t, count> ends_{};
  base::Duration handshake_{};
  std::optional<base::Duration> held_{};
  bool logged_ = true;
};

// What a tunnel was opened under.
struct TunnelTerms {
  base::Duration idle_limit = std::chrono::hours(1);
  std::optional<uint64_t> route;  // Route::terms; nothing: no reload ends it
};

class TunnelSet;

class Tunnel final : public base::Pooled, private base::Timer {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
         upstream::Lease lease, TunnelFacts facts, TunnelTerms terms);
  ~Tunnel() override = default;

  // Ends it from our side: the client gets a Close frame with the code, if one may be put in now.
  void close(base::Cause cause, uint16_t code, std::string_view reason);
  bool closing() const { return client_.ended || upstream_.ended; }
  // A configuration with the routes' terms `routes` (sorted) would not have opened it: its route is another
  // or gone, or its endpoint is.
  bool outdated(const std::vector<uint64_t>& routes) const;

 private:
  friend class TunnelSet;

  // One side: what it sends goes to the other.
  struct End final : net::Transport::Receiver {
    End(Tunnel& the_tunnel, base::Side the_side) : tunnel(the_tunnel), side(the_side) {}
    void on_bytes(base::Bytes bytes) override { tunnel.pass(*this, bytes); }
    void on_drained() override { tunnel.other(*this).transport->resume(); }
    void on_end() override { tunnel.side_ended(*this); }
    void on_closed(base::Error) override { tunnel.side_broke(*this); }

    Tunnel& tunnel;
    std::unique_ptr<net::Transport> transport;
    uint64_t received = 0;
    websocket::FrameWalker frames;  // of what it sends
    base::Side side;
    bool ended = false;
  };

  End& other(const End& end) { return end.side == base::Side::client ? upstream_ : client_; }
  void pass(End& from, base::Bytes bytes);
  void side_ended(End& end);
  void side_broke(End& end);
  void blame(base::Side by, std::optional<base::Cause> cause);
  void tell_client(uint16_t code, std::string_view reason);
  void finish_soon();
  void over();
  void on_deadline() override;

  TunnelSet& set_;
  End client_;
  End upstream_;
  upstream::Lease lease_;
  TunnelFacts facts_;
  TunnelTerms terms_;
  base::Instant opened_;
  base::Instant last_activity_;
  base::LinkIn<Tunnel> place_;
  std::optional<base::Side> by_;  // who ended it; the first counts
  std::optional<base::Cause> cause_;
  bool leaving_ = false;  // the set's: it stands in the line of those that are to be told
  bool over_ = false;
};

}  // namespace postern::proxy
