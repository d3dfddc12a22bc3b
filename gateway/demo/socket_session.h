// One WebSocket of the demo application: an echo or a ticker. It runs in callbacks only, without a coroutine.
#pragma once

#include <cstdint>
#include <memory>

#include "base/turn.h"
#include "demo/options.h"
#include "net/transport.h"
#include "websocket/message_codec.h"

namespace postern::demo {

class SocketSession final : private net::Transport::Receiver,
                            private websocket::MessageCodec::Receiver,
                            private base::Timer {
 public:
  enum class Kind : uint8_t {
    echo,    // sends back what it receives
    ticker,  // sends a message every Options::tick, and ignores what it receives
  };

  class Owner {
   public:
    // Called once. The session must not be freed in this call; it may be buried.
    virtual void on_session_over(SocketSession& session) = 0;

   protected:
    ~Owner() = default;
  };

  // `options` and `owner` outlive the session.
  SocketSession(base::Turn& turn, const Options& options, std::unique_ptr<net::Transport> transport,
                Kind kind, Owner& owner);

  // Sends a Close with this code, and ends within Options::close_limit.
  void close(uint16_t code, std::string_view reason);

 private:
  enum class State : uint8_t {
    open,
    stalled,  // the client does not read, so the session does not read either
    closing,  // a Close was sent, or was exchanged; waits for the client to end the connection
    over,
  };

  void on_bytes(base::Bytes bytes) override;
  void on_drained() override;
  void on_end() override { over(); }
  void on_closed(base::Error) override { over(); }
  void on_message(websocket::MessageKind kind, std::string_view message) override;
  void on_deadline() override;

  void tick();
  void send_output();
  void wait_for_event();
  void over();

  base::Turn& turn_;
  const Options& options_;
  Owner& owner_;
  std::unique_ptr<net::Transport> transport_;
  websocket::MessageCodec codec_;
  base::Instant opened_;
  uint64_t ticks_ = 0;
  Kind kind_;
  State state_ = State::open;
};

}  // namespace postern::demo
