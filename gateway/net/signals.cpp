#include "net/signals.h"

#include <csignal>

#include "base/check.h"

namespace postern::net {

// When libuv closes a signal's handle it restores the signal's default action, which ends the process. Block
// the signals meanwhile, so that none arrives in between.
Signals::~Signals() {
  sigset_t listened_to;
  sigset_t before;
  sigemptyset(&listened_to);
  for (const Watch& watch : watches_) sigaddset(&listened_to, watch.number);
  pthread_sigmask(SIG_BLOCK, &listened_to, &before);
  while (!watches_.empty()) {
    const int number = watches_.front().number;
    watches_.pop_front();
    std::signal(number, SIG_IGN);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Signals::on(int signal_number, std::function<void()> received) {
  Watch& watch = watches_.emplace_back();
  watch.number = signal_number;
  watch.received = std::move(received);
  base::check(uv_signal_init(loop_.uv(), watch.handle.get()) == 0, "uv_signal_init failed");
  watch.handle.opened(&watch);
  uv_signal_start(
      watch.handle.get(), [](uv_signal_t* handle, int) { static_cast<Watch*>(handle->data)->received(); },
      signal_number);
}

}  // namespace postern::net
