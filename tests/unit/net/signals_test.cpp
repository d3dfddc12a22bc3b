#include "net/signals.h"

#include <doctest/doctest.h>

#include <csignal>

#include "net/loop.h"

using namespace postern::net;

TEST_CASE(
    "signals: one that comes when nobody listens any more, in the last moments of a process, ends nothing") {
  const auto handler = [] {
    struct sigaction current {};
    sigaction(SIGUSR2, nullptr, &current);
    return current.sa_handler;
  };
  int received = 0;
  Loop loop;
  {
    Signals signals(loop);
    signals.on(SIGUSR2, [&] {
      ++received;
      loop.stop();
    });
    raise(SIGUSR2);
    loop.run();
    CHECK(received == 1);
  }
  const bool ignored = handler() == SIG_IGN;
  CHECK(ignored);
  std::signal(SIGUSR2, SIG_DFL);
}
