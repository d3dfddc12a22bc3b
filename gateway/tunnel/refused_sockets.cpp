#include "tunnel/refused_sockets.h"

#include "websocket/frame.h"

namespace postern::tunnel {
namespace {

using telemetry::Count;

constexpr base::Duration before_close = std::chrono::milliseconds(250);
constexpr base::Duration after_close = std::chrono::seconds(2);

}  // namespace

struct RefusedSockets::Socket final : net::Transport::Receiver, base::Timer {
  Socket(RefusedSockets& the_set, std::unique_ptr<net::Transport> the_transport, uint16_t code,
         std::string_view reason)
      : set(the_set),
        transport(std::move(the_transport)),
        close(websocket::close_frame(code, reason)),
        link(this) {}

  void on_bytes(base::Bytes) override {}  // what the client sends is ignored
  void on_drained() override {}
  void on_end() override { set.remove(*this); }
  void on_closed(base::Error) override { set.remove(*this); }
  void on_deadline() override {
    if (close.empty()) return set.remove(*this);
    say_close();
  }
  void say_close() {
    if (close.empty()) return;
    transport->write(std::exchange(close, {}));
    transport->finish();
    set.turn_.arm(*this, after_close);
  }

  RefusedSockets& set;
  std::unique_ptr<net::Transport> transport;
  base::Chunk close;
  base::LinkIn<Socket> link;
};

RefusedSockets::Waiter::Waiter(RefusedSockets& set, base::Duration wait) : set_(set) {
  ++set.waiting_count_;
  set.waiting_.append(link_);
  set.turn_.arm(*this, set.at_once_ ? base::Duration::zero() : wait);
}

RefusedSockets::Waiter::~Waiter() { --set_.waiting_count_; }

// The owner is ending too, so it is not notified.
RefusedSockets::~RefusedSockets() {
  while (sockets_.linked()) std::unique_ptr<Socket>(base::LinkIn<Socket>::of(sockets_.next)).reset();
}

void RefusedSockets::add(std::unique_ptr<net::Transport> client, uint16_t code, std::string_view reason) {
  auto socket = std::make_unique<Socket>(*this, std::move(client), code, reason);
  ++size_;
  metrics_.process.add(Count::sockets_refusing);
  sockets_.append(socket->link);
  socket->transport->start(*socket);
  if (at_once_)
    socket->say_close();
  else
    turn_.arm(*socket, before_close);
  static_cast<void>(socket.release());  // the set owns it through its list until remove()
}

void RefusedSockets::remove(Socket& socket) {
  if (!socket.link.linked()) return;
  socket.link.unlink();
  socket.disarm();
  --size_;
  metrics_.process.subtract(Count::sockets_refusing);
  turn_.graveyard.bury(std::unique_ptr<Socket>(&socket));
  if (size_ == 0) owner_.on_refused_gone();
}

void RefusedSockets::close_all() {
  at_once_ = true;
  for (base::Link* at = waiting_.next; at != &waiting_; at = at->next)
    turn_.arm(*base::LinkIn<Waiter>::of(at), base::Duration::zero());
  for (base::Link* at = sockets_.next; at != &sockets_; at = at->next)
    base::LinkIn<Socket>::of(at)->say_close();
}

}  // namespace postern::tunnel
