// A transport over a connected TCP or Unix socket, with direct recv and send calls on the loop's poller.
#pragma once

#include <memory>

#include "base/pool.h"
#include "net/loop.h"
#include "net/put_back.h"
#include "net/socket.h"
#include "net/transport.h"

namespace postern::net {

class TcpTransport final : public Transport, private Pollable, private base::Flushable, public base::Pooled {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  // Null when the socket cannot be watched (out of memory or of epoll watches). `count_guard` exists as long
  // as the socket.
  static std::unique_ptr<TcpTransport> adopt(Loop& loop, Socket socket, const Peer& peer,
                                             CountGuard count_guard = {});
  ~TcpTransport() override;

  void start(Receiver& receiver) override;
  void write(base::Chunk chunk) override;
  void write(base::Bytes bytes) override;
  size_t backlog() const override { return unsent_.bytes(); }
  void tell_when_sent() override;
  void pause() override;
  void resume() override;
  void abort() override;
  void finish() override;
  void unread(base::Chunk bytes) override;
  const Peer& peer() const override { return peer_; }
  Transit transit() const override;

 private:
  TcpTransport(Loop& loop, Socket socket, const Peer& peer, CountGuard count_guard)
      : loop_(loop), socket_(std::move(socket)), count_guard_(std::move(count_guard)), peer_(peer) {}
  void on_ready(uint32_t events) override;
  void flush() override;
  void read();
  void tell_hang_up();
  void send_queued();
  void send_failed(int error_number);
  void broken(int error_number);

  enum class Sending : uint8_t { open, finishing, finished };

  Loop& loop_;
  Socket socket_;
  CountGuard count_guard_;
  Peer peer_;
  Receiver* receiver_ = nullptr;
  base::ChunkQueue unsent_;
  uint64_t sent_ = 0;  // bytes that the kernel has accepted
  PutBack put_back_;
  Sending sending_ = Sending::open;
  bool readable_ = true;
  bool writable_ = true;
  bool hung_up_ = false;  // the peer's end or a reset was announced: read on until it arrives
  bool reset_ = false;    // what was announced is a reset
  bool hang_up_told_ = false;
  bool reset_told_ = false;
  bool peer_reads_nothing_ = false;  // the peer accepts no more; what it sent before is still read
  bool paused_ = true;               // until start()
  bool ended_ = false;
  bool broken_ = false;
  bool congested_ = false;  // the backlog was above the high-water mark; on_drained is due
  bool tell_sent_ = false;  // on_sent is due
};

}  // namespace postern::net
