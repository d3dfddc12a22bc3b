// Both stream interfaces (http/stream.h) over the multiplexed protocol, and the connection that an upstream's
// pool keeps (upstream/connection.h). They use the frames of multiplexed_frames.h and share nothing with
// HTTP/1.1: this is how tests know that nothing above the streams needs that protocol.
//
// Bytes are taken, in the sense of Transit, when the peer has granted the window for them again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "http/stream.h"
#include "support/multiplexed_connection.h"
#include "upstream/connection.h"

namespace postern::support {

// Moves a body from its channel to a line, as far as the window allows.
class BodySender {
 public:
  enum class Progress : uint8_t { waiting, complete, broken };

  // `hidden`: the body is not sent (HEAD); the channel is only emptied.
  void begin(http::BodyKind body, uint64_t length, bool hidden);
  Progress advance(base::Channel& channel, Line& line);
  size_t pending() const { return pending_.size(); }

 private:
  bool fits(size_t size);

  base::Chunk pending_;  // taken from the channel, and not sent yet
  http::BodyKind body_ = http::BodyKind::none;
  uint64_t remaining_ = 0;
  bool hidden_ = false;
};

// Moves DATA into the channel of a body. It grants no more of the window while the channel is full.
class BodyReceiver {
 public:
  void on_data(std::string_view bytes, base::Channel& channel, Line& line);
  void on_room(Line& line) { line.credit(std::exchange(owed_, 0)); }

 private:
  size_t owed_ = 0;
};

class MultiplexedServerStream final : public http::ServerStream,
                                      private Line::User,
                                      private base::Channel::Producer,
                                      private base::Channel::Consumer,
                                      private base::Flushable {
 public:
  class Owner {
   public:
    virtual void on_client_gone(MultiplexedServerStream& stream, base::Cause why) = 0;
    // The client's side of the connection has ended, and the request is complete.
    virtual void on_client_ended(MultiplexedServerStream& stream) = 0;

   protected:
    ~Owner() = default;
  };

  // `head` is the first frame of the stream: HEAD, or `refused`. `facts` and `owner` outlive the stream.
  MultiplexedServerStream(std::shared_ptr<MultiplexedConnection> connection, const Frame& head,
                          const http::ClientFacts& facts, Owner& owner);
  ~MultiplexedServerStream() override;

  bool refused() const { return refused_; }  // the head could not be read: see fault()
  bool gone() const { return gone_; }
  bool client_ended() const { return client_ended_; }
  Line* line() { return line_.get(); }  // null: a tunnel has it
  // Ends the response, behind the part of its body that came, with what was wrong with it.
  void cut_with(http::Fault fault);
  void send_deviation(const http::SeenDeviation& deviation);
  // Resets the stream. `begun`: a part of the response has come, even when its head has not.
  void reset(base::Cause why, bool begun);

  http::RequestHead& request() override { return head_; }
  const http::ClientFacts& client() const override { return facts_; }
  const http::Fault* fault() const override { return fault_ ? &*fault_ : nullptr; }
  base::Channel& request_body() override { return request_body_; }
  base::Channel& response_body() override { return response_body_; }
  base::Transit transit() const override;
  void inform(const http::ResponseHead& interim) override;
  void respond(const http::ResponseHead& head) override;
  void set_trailers(const http::Headers& trailers) override;
  void close_after_response() override {}  // the connection carries other streams
  base::Slot<bool>& hand_over() override;
  void cut_response(base::Error why) override;
  std::unique_ptr<net::Transport> accept_tunnel(const http::ResponseHead& head) override;

 private:
  void on_frame(const Frame& frame) override;
  void on_writable() override { advance(); }
  void on_all_sent() override;
  void on_half_closed() override;
  void on_lost() override { leave(); }
  void on_room() override;
  void on_pushed() override { turn_.flush_later(*this); }
  void flush() override { advance(); }
  void advance();
  void leave();
  void tell_sent(base::Result<bool> sent);

  base::Turn& turn_;
  const http::ClientFacts& facts_;
  Owner& owner_;
  std::unique_ptr<Line> line_;
  http::RequestHead head_;
  std::optional<http::Fault> fault_;
  base::Channel request_body_;
  base::Channel response_body_;
  BodySender sender_;
  BodyReceiver receiver_;
  base::ChunkQueue early_;  // received behind a request for an upgrade
  std::string trailers_;
  std::optional<http::Fault> response_fault_;
  base::Slot<bool> sent_;
  bool refused_ = false;
  bool request_complete_ = false;
  bool responding_ = false;
  bool response_complete_ = false;
  bool gone_ = false;
  bool client_ended_ = false;
  bool sent_told_ = false;
};

class MultiplexedUpstreamStream final : public http::UpstreamStream,
                                        private Line::User,
                                        private base::Channel::Producer,
                                        private base::Channel::Consumer,
                                        private base::Flushable {
 public:
  MultiplexedUpstreamStream(std::shared_ptr<MultiplexedConnection> connection, uint32_t number, bool reused);
  ~MultiplexedUpstreamStream() override;

  Line* line() { return line_.get(); }  // null: a tunnel has it
  // In place of send(): the head could not be read.
  void send_refused(const http::RequestHead& head, const http::Fault& fault);
  // The rest of the request body could not be read.
  void send_fault(const http::Fault& fault);
  // See FrameType::ended.
  void send_ended() { line_->send(FrameType::ended); }

  void send(const http::RequestHead& head) override;
  base::Channel& request_body() override { return request_body_; }
  base::Transit transit() const override;
  base::Slot<http::ResponseHead>& response() override { return response_; }
  base::Channel& response_body() override { return response_body_; }
  const http::Headers& trailers() const override { return trailers_; }
  std::unique_ptr<net::Transport> take_tunnel() override;
  bool response_begun() const override { return response_begun_; }
  const net::Peer& peer() const override { return peer_; }
  bool reused() const override { return reused_; }
  const http::Fault& fault() const override { return fault_; }
  std::vector<http::SeenDeviation> take_deviations() override { return std::exchange(deviations_, {}); }

 private:
  enum class State : uint8_t { awaiting_head, receiving, complete, switched, broken };
  enum class Sending : uint8_t { nothing, body, complete };

  void on_frame(const Frame& frame) override;
  void on_writable() override { advance(); }
  void on_all_sent() override {}
  void on_half_closed() override { on_lost(); }
  void on_lost() override;
  void on_room() override;
  void on_pushed() override { turn_.flush_later(*this); }
  void flush() override { advance(); }
  void on_head(http::ResponseHead head);
  void advance();
  void fail_upstream(base::Cause cause);
  void fail(base::Error error);

  base::Turn& turn_;
  std::unique_ptr<Line> line_;
  const net::Peer peer_;
  const bool reused_;
  base::Channel request_body_;
  base::Channel response_body_;
  base::Slot<http::ResponseHead> response_;
  BodySender sender_;
  BodyReceiver receiver_;
  base::ChunkQueue early_;  // received behind a head that opens a tunnel
  http::Headers trailers_;
  base::TextArena trailer_text_;
  http::Fault fault_;
  std::vector<http::SeenDeviation> deviations_;
  State state_ = State::awaiting_head;
  Sending sending_ = Sending::nothing;
  bool upgrades_ = false;
  bool response_begun_ = false;
  std::vector<Frame> early_frames_;  // those behind early_
};

// The client's end of a connection.
class MultiplexedUpstream final : public upstream::Connection, private MultiplexedConnection::Owner {
 public:
  MultiplexedUpstream(TurnFixture& turns, std::unique_ptr<net::Transport> transport,
                      size_t streams_max = 100);
  ~MultiplexedUpstream() override;

  bool has_room() const override { return !closed_ && streams_.size() < streams_max_; }
  MultiplexedUpstreamStream& open_stream() override;
  void close_stream(http::UpstreamStream& stream) override;
  void retire() override { closed_ = true; }
  const net::Peer& peer() const override { return peer_; }

  size_t stream_count() const { return streams_.size(); }
  MultiplexedConnection& connection() { return *connection_; }
  // Called when the other end has closed or wants no more streams, for an owner that is not a pool.
  std::function<void()> on_closing;

 private:
  void on_unknown(const Frame&) override {}
  void on_drain() override { close(); }
  void on_half_closed() override;
  void on_lost() override { close(); }
  void close();

  TurnFixture& turns_;
  std::shared_ptr<MultiplexedConnection> connection_;
  const net::Peer peer_;
  const size_t streams_max_;
  std::vector<std::unique_ptr<MultiplexedUpstreamStream>> streams_;
  uint32_t next_number_ = 1;
  bool closed_ = false;
};

}  // namespace postern::support
