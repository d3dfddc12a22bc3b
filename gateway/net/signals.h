// Signals as callbacks on a loop.
#pragma once

#include <functional>
#include <list>

#include "net/loop.h"

namespace postern::net {

class Signals {
 public:
  explicit Signals(Loop& loop) : loop_(loop) {}
  // Calls `received` on the loop's thread each time the signal comes.
  void on(int signal_number, std::function<void()> received);

 private:
  struct Watch {
    UvHandle<uv_signal_t> handle;
    std::function<void()> received;
  };
  Loop& loop_;
  std::list<Watch> watches_;
};

}  // namespace postern::net
