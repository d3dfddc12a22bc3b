#include "net/signals.h"

#include "base/check.h"

namespace postern::net {

void Signals::on(int signal_number, std::function<void()> received) {
  Watch& watch = watches_.emplace_back();
  watch.received = std::move(received);
  base::check(uv_signal_init(loop_.uv(), watch.handle.get()) == 0, "uv_signal_init failed");
  watch.handle.opened(&watch);
  uv_signal_start(
      watch.handle.get(), [](uv_signal_t* handle, int) { static_cast<Watch*>(handle->data)->received(); },
      signal_number);
}

}  // namespace postern::net
