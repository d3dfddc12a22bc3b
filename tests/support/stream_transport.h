// The transport of a tunnel that is one stream of a multiplexed connection. It behaves as a TCP socket does
// (net/transport.h); the other streams of the connection go on, whatever happens to it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "net/put_back.h"
#include "net/transport.h"
#include "support/multiplexed_connection.h"

namespace postern::support {

class StreamTransport final : public net::Transport,
                              private Line::User,
                              private Filler,
                              private base::Flushable {
 public:
  // For frames that came before the transport was made, behind `early`.
  void on_frame(const Frame& frame) override;

  // `early` has arrived already.
  StreamTransport(std::unique_ptr<Line> line, base::ChunkQueue early);
  ~StreamTransport() override;

  void start(Receiver& receiver) override;
  void write(base::Chunk chunk) override;
  void write(base::Bytes bytes) override { write(base::Chunk::copy_of(bytes)); }
  size_t backlog() const override { return unsent_.bytes(); }
  void tell_when_sent() override;
  Transit transit() const override { return {line_->taken(), unsent_.bytes() + line_->outstanding()}; }
  void pause() override { paused_ = true; }
  void resume() override { paused_ = false; }
  void abort() override { aborted_ = true; }
  void finish() override;
  void unread(base::Chunk bytes) override { put_back_.add(std::move(bytes)); }
  const net::Peer& peer() const override { return line_->connection().peer(); }

  Line& line() { return *line_; }
  // Called when the peer has left without a reset: it reads nothing more.
  std::function<void()> on_left;

 private:
  enum class Sending : uint8_t { open, finishing, finished };

  void on_writable() override { turn_.flush_later(*this); }
  void on_all_sent() override {}
  void on_half_closed() override { peer_ended_ = peer_left_ = true; }
  void on_lost() override { peer_reset_ = true; }
  bool fill() override;
  void flush() override;
  void break_now();
  bool tell_hang_up();

  base::Turn& turn_;
  std::unique_ptr<Line> line_;
  Receiver* receiver_ = nullptr;
  base::ChunkQueue received_;
  base::ChunkQueue unsent_;
  net::PutBack put_back_;
  Sending sending_ = Sending::open;
  bool paused_ = true;
  bool congested_ = false;
  bool tell_sent_ = false;
  bool aborted_ = false;
  bool peer_ended_ = false;  // its END has come, perhaps behind bytes that are not delivered yet
  bool end_told_ = false;
  bool peer_left_ = false;
  bool peer_reset_ = false;
  bool broken_ = false;
  bool hang_up_told_ = false;
  bool reset_told_ = false;
};

}  // namespace postern::support
