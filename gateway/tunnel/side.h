// One side of a tunnel: its connection, and all that is known about what it sends, which goes to the other
// side. What follows from that for both sides is decided by the Tunnel.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "net/transport.h"
#include "tunnel/liveness.h"
#include "tunnel/message_guard.h"
#include "tunnel/states.h"
#include "tunnel/violation.h"
#include "websocket/frame_walker.h"

namespace postern::tunnel {

class Tunnel;

struct Side final : net::Transport::Receiver, websocket::FrameWalker::Visitor, MessageGuard::Receiver {
  using Pass = websocket::FrameWalker::Pass;

  Side(Tunnel& the_tunnel, base::Side the_side, std::unique_ptr<net::Transport> the_transport,
       base::Instant now)
      : tunnel(the_tunnel), transport(std::move(the_transport)), liveness(now), which(the_side) {}

  bool is_client() const { return which == base::Side::client; }
  // The gateway's role towards this side.
  websocket::Role role() const { return is_client() ? websocket::Role::server : websocket::Role::client; }
  bool sent_close() const { return received == Received::close || received == Received::close_and_end; }
  bool has_left() const { return received == Received::end || received == Received::close_and_end; }
  uint64_t whole_messages() const { return messages - (frames.in_last_frame() ? 1 : 0); }
  // True when a message has begun and is not whole, so that a timer is needed for it: received bytes arm no
  // timer.
  bool has_become_due();

  void note_close() { advance(received, Received::close); }
  void note_end() { advance(received, sent_close() ? Received::close_and_end : Received::end); }
  // Stops reading from it, because of `why`.
  void pause(Reading why);
  // Reads from it again, if that was paused.
  void resume();

  // --- net::Transport::Receiver ---
  void on_bytes(base::Bytes bytes) override;
  void on_drained() override;
  void on_end() override;
  void on_closed(base::Error why) override;
  // --- websocket::FrameWalker::Visitor ---
  Pass on_frame(const websocket::FrameHeader& header) override;
  Pass on_control(const websocket::FrameHeader& header, std::string_view payload) override;
  void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset,
                  bool end) override;
  void on_passed(base::Bytes bytes) override;
  // --- MessageGuard::Receiver ---
  void on_message(websocket::Opcode kind, std::string_view message,
                  const websocket::MessageView& view) override;
  bool on_token(std::string_view token) override;
  void on_violation(Violation what) override;

  Tunnel& tunnel;
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<MessageGuard> guard;   // null: what it sends passes unchanged
  std::unique_ptr<Violation> violation;  // the first; null: none
  websocket::FrameWalker frames;         // of what it sends
  Liveness liveness;
  uint64_t passed = 0;    // bytes forwarded, as the other side receives them
  uint64_t messages = 0;  // messages forwarded from this side; see whole_messages()
  base::Instant due{};    // MessageGuard::due(), at the last look; Instant{}: none
  base::Side which;
  Reading reading = Reading::flowing;
  Received received = Received::frames;
  Closing closing = Closing::open;
};

}  // namespace postern::tunnel
