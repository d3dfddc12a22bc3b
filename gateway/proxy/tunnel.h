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

class TunnelSet;

class Tunnel final : public base::Pooled, private base::Timer {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
         upstream::Lease lease, TunnelFacts facts, base::Duration idle_limit);
  ~Tunnel() override = default;

  // Ends it from our side: the client gets a Close frame with the code, if one may be put in now.
  void close(base::Cause cause, uint16_t code, std::string_view reason);
  bool closing() const { return client_.ended || upstream_.ended; }

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
  base::Duration idle_limit_;
  base::Instant opened_;
  base::Instant last_activity_;
  base::LinkIn<Tunnel> place_;
  std::optional<base::Side> by_;  // who ended it; the first counts
  std::optional<base::Cause> cause_;
  bool over_ = false;
};

// All tunnels of one worker.
class TunnelSet {
 public:
  class Owner {
   public:
    virtual void on_tunnels_gone() = 0;  // the last one has ended

   protected:
    ~Owner() = default;
  };

  TunnelSet(base::Turn& turn, telemetry::AccessLog& access_log, telemetry::Metrics& metrics)
      : turn_(turn), access_log_(access_log), metrics_(metrics) {}
  ~TunnelSet();

  void open(std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
            upstream::Lease lease, TunnelFacts facts, base::Duration idle_limit);
  size_t size() const { return size_; }
  void set_owner(Owner& owner) { owner_ = &owner; }
  // The `count` oldest that are still open.
  void close_some(size_t count, base::Cause cause, uint16_t code, std::string_view reason);
  void cut_all();  // at once, without ceremony

 private:
  friend class Tunnel;
  void remove(Tunnel& tunnel);

  base::Turn& turn_;
  telemetry::AccessLog& access_log_;
  telemetry::Metrics& metrics_;
  base::Link tunnels_;
  size_t size_ = 0;
  Owner* owner_ = nullptr;
};

}  // namespace postern::proxy
