// The HTTP/1.1 connection of one client. It carries one stream at a time: the next head is parsed when the
// previous stream is finished. Bytes that arrive early wait in a bounded buffer, so that the end of the
// connection is still noticed.
#pragma once

#include <memory>
#include <optional>

#include "base/slot.h"
#include "http/limits.h"
#include "http/stream.h"
#include "http1/body_writer.h"
#include "http1/request_parser.h"

namespace postern::http1 {

class ServerConnection final : public http::ServerStream,
                               public base::Pooled,
                               private net::Transport::Receiver,
                               private RequestParser::Events,
                               private base::Channel::Producer,
                               private base::Channel::Consumer,
                               private base::Flushable,
                               private base::Timer {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  class Owner {
   public:
    // The client left, or broke the protocol, while a stream is open: the exchange must end with this cause.
    virtual void on_client_gone(base::Cause why) = 0;
    // The client has half-closed the connection, and the request of the open stream is complete. Either it
    // waits for the response, or it has left, which only writing to it can show.
    virtual void on_client_ended() = 0;

   protected:
    ~Owner() = default;
  };

  enum class Arrival : uint8_t {
    request,  // a stream is open; the head is complete
    refused,  // the request is refused: see fault(); a stream is open for the answer
    over,     // no more requests will arrive
  };

  // `facts` and `limits` outlive the connection. Both may change between two requests; the new values apply
  // from the next request on.
  ServerConnection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                   const http::ServerLimits& limits, const http::ClientFacts& facts, Owner& owner);
  ~ServerConnection() override = default;

  base::Slot<Arrival>& arrivals() { return arrivals_; }
  // The client has left: its last request is not worth starting.
  bool gone() const { return state_ == State::gone; }
  // See Owner::on_client_ended().
  bool client_ended() const { return client_ended_; }

  // To be called when the exchange of the open stream has ended; returns true when another request may
  // arrive. An incomplete response is cut; the rest of a complete response is sent while closing.
  bool finish_stream();

  // Closes after the open stream, or now when no stream is open.
  void drain();
  // Ends our direction and waits a moment for the client to end its own; `closed` is filled when the
  // transport may be destroyed. There is no such wait when the client has ended its direction already, or
  // when it has received all that was sent and no request is under way.
  void close();
  base::Slot<bool>& closed() { return closed_; }

  // --- http::ServerStream ---
  http::RequestHead& request() override { return stream_->head; }
  const http::ClientFacts& client() const override { return facts_; }
  const http::Fault* fault() const override { return refused_ ? &fault_ : nullptr; }
  base::Channel& request_body() override { return stream_->request_body; }
  base::Channel& response_body() override { return stream_->response_body; }
  base::Transit transit() const override;
  void inform(const http::ResponseHead& interim) override;
  void respond(const http::ResponseHead& head) override;
  void set_trailers(const http::Headers& trailers) override;
  void close_after_response() override { keep_alive_ = false; }
  base::Slot<bool>& hand_over() override;
  void cut_response(base::Error why) override;
  std::unique_ptr<net::Transport> accept_tunnel(const http::ResponseHead& head) override;

 private:
  struct Stream {
    Stream();  // defined in the source file: clang 14 cannot see the member defaults from here
    http::RequestHead head;
    base::Channel request_body;
    base::Channel response_body;
    http::Headers trailers;
    base::TextArena trailer_text;
    base::Slot<bool> sent;
    bool request_complete = false;
    bool responding = false;
    bool response_complete = false;  // written; the transport may still hold a part of it
    bool sent_told = false;
  };
  enum class State : uint8_t { between, streaming, closing, gone };

  void on_bytes(base::Bytes bytes) override;
  void on_drained() override;
  void on_sent() override;
  void on_end() override;
  void on_hang_up(bool reset) override;
  void on_closed(base::Error why) override;
  void on_request(http::RequestHead head) override;
  void on_request_body(base::Bytes bytes) override;
  void on_request_complete() override;
  void on_room() override;
  void on_pushed() override;
  void flush() override;
  void on_deadline() override;

  void open_stream();
  void parse(base::Bytes bytes);
  void refuse(http::Fault fault);
  void advance_response();
  void tell_sent(base::Result<bool> sent);
  void read_early();
  void take_end();
  void end_idle();
  void end_closing();
  void leave();

  base::Turn& turn_;
  std::unique_ptr<net::Transport> transport_;
  const http::ServerLimits& limits_;
  const http::ClientFacts& facts_;
  Owner& owner_;
  RequestParser parser_;
  BodyWriter writer_;
  std::optional<Stream> stream_;
  base::ChunkQueue early_;
  base::Slot<Arrival> arrivals_;
  base::Slot<bool> closed_;
  http::Fault fault_;
  State state_ = State::between;
  uint32_t requests_ = 0;
  bool keep_alive_ = true;
  bool draining_ = false;
  bool client_ended_ = false;  // the client's direction has ended
  bool idle_ended_ = false;    // no request was under way when the connection was to close
  bool lingers_ = false;       // while closing: waits for the client's end, not only until our bytes are sent
  uint64_t closing_taken_ = 0;        // bytes acknowledged by the client at the last check while closing
  base::Instant closing_progress_{};  // when that number last grew
  base::Instant closing_until_{};     // latest end of closing; set at the first check
  bool refused_ = false;              // the received bytes cannot be parsed any further
};

}  // namespace postern::http1
