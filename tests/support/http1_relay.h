// Relays between HTTP/1.1 and the multiplexed protocol, so that tests which write HTTP/1.1 can be run against
// a gateway that is spoken to in the multiplexed protocol on both sides:
//
//   TestClient ── HTTP/1.1 ── ClientRelay ── multiplexed ── gateway
//   gateway ── multiplexed ── EndpointRelay ── HTTP/1.1 ── FakeConnection, one for each stream at a time
//
// A relay adds no time, and holds back no more than one window: it grants the window of a stream again when
// the other end has taken the bytes. Whatever ends on one side ends on the other in the same way.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/root_task.h"
#include "base/slot.h"
#include "http1/client_connection.h"
#include "http1/server_connection.h"
#include "support/multiplexed_stream.h"
#include "support/stream_transport.h"

namespace postern::support {

// Copies a body from one channel to another.
class BodyCopy final : private base::Channel::Producer, private base::Channel::Consumer {
 public:
  // `on_over` is called once, when `from` has ended or was aborted; it ends or aborts `to`.
  BodyCopy(base::Channel& from, base::Channel& to, std::function<void()> on_over);
  ~BodyCopy();
  uint64_t moved() const { return moved_; }

 private:
  void on_room() override { copy(); }
  void on_pushed() override { copy(); }
  void copy();

  base::Channel& from_;
  base::Channel& to_;
  std::function<void()> on_over_;
  uint64_t moved_ = 0;
};

// A tunnel between a stream and a socket.
class TunnelRelay final : private Filler {
 public:
  TunnelRelay(TurnFixture& turns, std::unique_ptr<StreamTransport> stream,
              std::unique_ptr<net::Transport> socket);

  base::Slot<bool>& over() { return over_slot_; }  // filled once: the relay may be buried

 private:
  struct End final : net::Transport::Receiver {
    void on_bytes(base::Bytes bytes) override { relay->on_bytes(*this, bytes); }
    void on_drained() override {
      if (!relay->over_) other->transport->resume();
    }
    void on_end() override;
    void on_hang_up(bool reset) override {
      if (reset) on_closed({});
    }
    void on_closed(base::Error) override;
    TunnelRelay* relay = nullptr;
    End* other = nullptr;
    net::Transport* transport = nullptr;
    bool ended = false;  // its direction
  };

  void on_bytes(End& from, base::Bytes bytes);
  bool fill() override;
  void end();

  std::unique_ptr<StreamTransport> stream_;
  std::unique_ptr<net::Transport> socket_;
  End stream_end_;
  End socket_end_;
  uint64_t moved_ = 0;  // bytes from the stream to the socket
  base::Slot<bool> over_slot_;
  bool peer_left_ = false;
  bool over_ = false;
};

// The other end of a client's connection: HTTP/1.1 towards the client.
class ClientRelay final : private http1::ServerConnection::Owner,
                          private base::RootTask<bool>::Owner,
                          private Filler {
 public:
  ClientRelay(TurnFixture& turns, std::unique_ptr<net::Transport> client,
              std::unique_ptr<net::Transport> gateway, http::ClientFacts facts,
              const http::ServerLimits& limits);

 private:
  base::Task<bool> serve();
  base::Task<bool> relay_stream(http1::ServerConnection::Arrival arrival);
  base::Task<bool> relay_tunnel(const http::ResponseHead& head);
  void on_client_gone(base::Cause why) override;
  void on_client_ended() override;
  void on_task_ended(bool) override {}
  void on_gateway_closing();
  bool fill() override;
  void close_stream();

  TurnFixture& turns_;
  const http::ClientFacts facts_;
  const http::ServerLimits limits_;
  std::unique_ptr<http1::ServerConnection> client_;
  std::unique_ptr<MultiplexedUpstream> gateway_;
  MultiplexedUpstreamStream* stream_ = nullptr;
  std::optional<BodyCopy> upload_;
  std::optional<BodyCopy> download_;
  std::unique_ptr<TunnelRelay> tunnel_;
  base::Slot<bool> downloaded_;
  base::Scope scope_;
  base::RootTask<bool> task_;  // last: it is destroyed before what it uses
};

// The other end of a connection to an endpoint: HTTP/1.1 towards the endpoint, with one connection for each
// stream that is open at the same time.
class EndpointRelay final : private MultiplexedConnection::Owner, private MultiplexedServerStream::Owner {
 public:
  // Makes a new connection to the endpoint, and returns the gateway's end of it.
  using Connect = std::function<std::unique_ptr<net::Transport>()>;
  EndpointRelay(TurnFixture& turns, std::unique_ptr<net::Transport> gateway, Connect connect);
  ~EndpointRelay();

 private:
  class Lane final : private http1::ClientConnection::Owner,
                     private base::RootTask<bool>::Owner,
                     private Filler {
   public:
    Lane(EndpointRelay& relay, std::unique_ptr<net::Transport> endpoint);
    bool idle() const { return idle_; }
    void begin(std::unique_ptr<MultiplexedServerStream> stream);
    bool has(const MultiplexedServerStream& stream) const { return stream_.get() == &stream; }
    void cancel() { scope_.cancel(base::Cause{}); }

   private:
    base::Task<bool> run();
    base::Task<bool> relay_tunnel(const http::ResponseHead& head);
    void on_idle_closed(http1::ClientConnection&) override { relay_.end(*this); }
    void on_task_ended(bool reusable) override;
    void fail(base::Error error);
    void tell_deviations();
    bool fill() override;

    EndpointRelay& relay_;
    http1::ClientConnection endpoint_;
    std::unique_ptr<MultiplexedServerStream> stream_;
    std::optional<BodyCopy> upload_;
    std::optional<BodyCopy> download_;
    std::unique_ptr<TunnelRelay> tunnel_;
    base::Slot<bool> downloaded_;
    base::Scope scope_;
    std::unique_ptr<base::RootTask<bool>> task_;
    bool idle_ = true;
  };

  void on_unknown(const Frame& frame) override;
  void on_drain() override {}
  void on_half_closed() override { close(); }
  void on_lost() override { close(); }
  void on_client_gone(MultiplexedServerStream& stream, base::Cause) override;
  void on_client_ended(MultiplexedServerStream&) override {}
  void end(Lane& lane);
  void close();

  TurnFixture& turns_;
  std::shared_ptr<MultiplexedConnection> gateway_;  // null: it has ended
  Connect connect_;
  const http::ClientFacts facts_;
  const http::MessageLimits limits_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace postern::support
