// One HTTP/1.1 connection to an endpoint. It carries one stream at a time, and is reusable when both the
// request and the response were complete.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/slot.h"
#include "http/stream.h"
#include "http1/body_writer.h"
#include "http1/response_parser.h"

namespace postern::http1 {

class ClientConnection final : public http::UpstreamStream,
                               public base::Pooled,
                               private net::Transport::Receiver,
                               private ResponseParser::Events,
                               private base::Channel::Producer,
                               private base::Channel::Consumer,
                               private base::Flushable {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  class Owner {
   public:
    virtual void on_idle_closed(ClientConnection& connection) = 0;  // must bury it, not free it

   protected:
    ~Owner() = default;
  };

  ClientConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                   const http::MessageLimits& limits);
  ~ClientConnection() override = default;

  void begin_stream();                                  // the connection must be fresh or reusable()
  bool reusable();                                      // the stream has ended and left the connection clean
  bool transport_taken() const { return !transport_; }  // see take_tunnel()
  void park(Owner& owner);  // idle from now on; `owner` is notified when it breaks
  // How long the endpoint keeps an idle connection open, as its Keep-Alive field announced.
  std::optional<base::Duration> idle_limit() const { return idle_limit_; }

  // --- http::UpstreamStream ---
  void send(const http::RequestHead& head) override;
  base::Channel& request_body() override { return stream_->request_body; }
  base::Transit transit() const override;
  base::Slot<http::ResponseHead>& response() override { return stream_->response; }
  base::Channel& response_body() override { return stream_->response_body; }
  const http::Headers& trailers() const override { return parser_.trailers(); }
  std::unique_ptr<net::Transport> take_tunnel() override;
  bool response_begun() const override { return response_begun_; }
  const net::Peer& peer() const override { return peer_; }
  bool reused() const override { return streams_ > 1; }
  const http::Fault& fault() const override { return fault_; }
  // A connection that has shown a deviation is not reused.
  std::vector<http::SeenDeviation> take_deviations() override { return parser_.deviations().take(); }

 private:
  struct Stream {
    base::Channel request_body;
    base::Channel response_body;
    base::Slot<http::ResponseHead> response;
  };
  enum class State : uint8_t { idle, awaiting_head, receiving, complete, switched, broken };
  enum class Sending : uint8_t { nothing, body, complete };

  void on_bytes(base::Bytes bytes) override;
  void on_drained() override;
  void on_end() override;
  void on_closed(base::Error why) override;
  void on_response(http::ResponseHead head) override;
  void on_response_body(base::Bytes bytes) override;
  void on_response_complete() override;
  void on_room() override;
  void on_pushed() override;
  void flush() override;
  void fail_upstream(base::Cause cause);
  void fail(base::Error error);

  base::Turn& turn_;
  std::unique_ptr<net::Transport> transport_;
  net::Peer peer_;
  ResponseParser parser_;
  BodyWriter writer_;
  std::optional<Stream> stream_;
  http::Headers no_trailers_;
  base::ChunkQueue early_;  // received after a 101, until the tunnel is taken
  Owner* owner_ = nullptr;
  State state_ = State::idle;
  Sending sending_ = Sending::nothing;
  uint16_t last_status_ = 0;
  uint16_t interim_count_ = 0;
  bool response_begun_ = false;
  uint32_t streams_ = 0;
  std::optional<base::Duration> idle_limit_;
  http::Fault fault_;
  std::string accept_;  // the accept value that a 101 must have
};

}  // namespace postern::http1
