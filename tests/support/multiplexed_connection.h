// One end of a connection of the multiplexed protocol, whichever side it is: frames over a transport, and the
// lines of its streams. A line is one end of one stream: its number, and its window towards the peer. The
// stream that uses a line may hand it on to the transport of a tunnel.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "base/transit.h"
#include "net/transport.h"
#include "support/multiplexed_frames.h"
#include "support/turn_fixture.h"

namespace postern::support {

class MultiplexedConnection;

class Line {
 public:
  class User {
   public:
    virtual void on_frame(const Frame& frame) = 0;  // every type except window and drain
    virtual void on_writable() = 0;                 // there may be room in the window, or in the connection
    virtual void on_all_sent() = 0;                 // every frame has left the connection's backlog
    virtual void on_half_closed() = 0;              // the peer's side of the connection has ended
    virtual void on_lost() = 0;                     // the connection is broken

   protected:
    ~User() = default;
  };

  Line(std::shared_ptr<MultiplexedConnection> connection, uint32_t number, User& user);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // Hands the line on from its stream to the transport of a tunnel.
  void set_tunnel(User& user);
  void send(FrameType type, std::string_view payload = {});
  // How many bytes of DATA may be sent now.
  size_t room() const;
  void send_data(base::Bytes bytes);  // at most room()
  // The bytes that were sent and that the peer has not taken.
  size_t outstanding() const { return sent_ - taken_; }
  uint64_t taken() const { return taken_; }

  // Bytes of the peer were taken: it may send as many again. Where `held`, nothing goes to the peer before
  // release() says that the bytes have gone on.
  void credit(size_t count);
  void hold_credit() { held_ = true; }
  // Grants the peer's window again as far as `count` bytes in total. Returns whether that was news.
  bool release(uint64_t count);

  MultiplexedConnection& connection() { return *connection_; }

 private:
  friend class MultiplexedConnection;
  void grant(size_t count);

  std::shared_ptr<MultiplexedConnection> connection_;
  const uint32_t number_;
  User* user_;
  uint64_t sent_ = 0;
  uint64_t taken_ = 0;    // of what was sent
  uint64_t granted_ = 0;  // of what was received
  bool held_ = false;
  bool tunnel_ = false;
};

class MultiplexedConnection final : public std::enable_shared_from_this<MultiplexedConnection>,
                                    private net::Transport::Receiver,
                                    private base::Flushable {
 public:
  class Owner {
   public:
    // A frame of a stream that has no line: the first one of a new stream, or one of a stream that is over.
    virtual void on_unknown(const Frame& frame) = 0;
    virtual void on_drain() = 0;
    virtual void on_half_closed() = 0;
    virtual void on_lost() = 0;
    virtual void on_all_sent() {}

   protected:
    ~Owner() = default;
  };

  // `window`: what the peer takes of each stream before it grants more.
  MultiplexedConnection(TurnFixture& turns, std::unique_ptr<net::Transport> transport,
                        size_t window = stream_window)
      : turns_(turns), transport_(std::move(transport)), window_(window) {}

  void start(Owner& owner);
  void set_owner(Owner* owner) { owner_ = owner; }  // null: nobody is called any more

  void send(FrameType type, uint32_t stream, std::string_view payload = {});
  bool has_room() const { return !over_ && transport_->backlog() <= net::Transport::high_water; }
  size_t backlog() const { return over_ ? 0 : transport_->backlog(); }
  void tell_when_sent() { transport_->tell_when_sent(); }
  void finish() { transport_->finish(); }
  void abort() { transport_->abort(); }
  bool over() const { return over_; }
  size_t tunnel_count() const;
  const net::Peer& peer() const { return transport_->peer(); }
  TurnFixture& turns() { return turns_; }

 private:
  friend class Line;
  class Alive;
  void on_bytes(base::Bytes bytes) override;
  void on_drained() override { turns_.turn.flush_later(*this); }
  void on_sent() override;
  void on_end() override;
  void on_closed(base::Error why) override;
  void flush() override;
  template <class Call>
  void each_user(Call&& call);

  TurnFixture& turns_;
  std::unique_ptr<net::Transport> transport_;
  const size_t window_;
  Owner* owner_ = nullptr;
  FrameReader reader_;
  std::map<uint32_t, Line*> lines_;
  bool over_ = false;
};

}  // namespace postern::support
