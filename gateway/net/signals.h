// Unix signals as callbacks on a loop.
#pragma once

#include <functional>
#include <list>

#include "net/loop.h"

namespace postern::net {

class Signals {
 public:
  explicit Signals(Loop& loop) : loop_(loop) {}
  // The destructor makes the process ignore the signals from now on: a process that has finished its work
  // must not be ended by a reload signal that arrives late.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // Calls `received` on the loop's thread each time the signal arrives.
  void on(int signal_number, std::function<void()> received);

 private:
  struct Watch {
    int number = 0;
    UvHandle<uv_signal_t> handle;
    std::function<void()> received;
  };
  Loop& loop_;
  std::list<Watch> watches_;
};

}  // namespace postern::net
