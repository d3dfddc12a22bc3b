// Signals as callbacks on a loop.
#pragma once

#include <functional>
#include <list>

#include "net/loop.h"

namespace postern::net {

class Signals {
 public:
  explicit Signals(Loop& loop) : loop_(loop) {}
  // What was listened to is ignored from now on: a process that has done its work is not to be ended by a
  // reload that comes late.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // Calls `received` on the loop's thread each time the signal comes.
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
