#include "net/poller.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <vector>

#include "net/socket.h"

namespace {

using namespace postern::net;

struct Watched final : Pollable {
  explicit Watched(Poller& the_poller) : poller(the_poller), socket(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    watched = poller.add(socket.descriptor(), *this);
  }
  ~Watched() override { poller.remove(socket.descriptor(), *this); }
  void on_ready(uint32_t events) override {
    told.push_back(events);
    if (then) then();
  }
  void signal() const {
    const uint64_t one = 1;
    REQUIRE(write(socket.descriptor(), &one, sizeof(one)) == sizeof(one));
  }
  Poller& poller;
  Socket socket;
  bool watched = false;
  std::vector<uint32_t> told;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("poller: every edge is told once") {
  Poller poller;
  Watched watched(poller);
  REQUIRE(watched.watched);
  poller.dispatch();
  const size_t writable_first = watched.told.size();
  CHECK(writable_first == 1);  // an eventfd can be written to from the start
  watched.signal();
  poller.dispatch();
  REQUIRE(watched.told.size() == writable_first + 1);
  CHECK((watched.told.back() & EPOLLIN) != 0);
  poller.dispatch();  // not read, so not reported again
  CHECK(watched.told.size() == writable_first + 1);
}

TEST_CASE("poller: what is left over is told in the next dispatch, without an event") {
  Poller poller;
  Watched watched(poller);
  poller.dispatch();
  watched.told.clear();
  poller.again(watched);
  poller.again(watched);
  CHECK(poller.has_leftovers());
  poller.dispatch();
  CHECK(watched.told == std::vector<uint32_t>{0});
  CHECK_FALSE(poller.has_leftovers());
}

TEST_CASE("poller: who asks again while being told waits for the next dispatch") {
  Poller poller;
  Watched watched(poller);
  poller.dispatch();
  watched.told.clear();
  watched.then = [&] { poller.again(watched); };
  poller.again(watched);
  poller.dispatch();
  CHECK(watched.told.size() == 1);
  CHECK(poller.has_leftovers());
  poller.dispatch();
  CHECK(watched.told.size() == 2);
}

TEST_CASE("poller: one that is removed is not told what the same batch still holds for it") {
  Poller poller;
  std::vector<std::unique_ptr<Watched>> all;
  for (int i = 0; i < 10; ++i) all.push_back(std::make_unique<Watched>(poller));
  poller.dispatch();
  int calls = 0;
  for (auto& one : all) {
    one->signal();
    one->then = [&calls, &all, self = one.get()] {
      ++calls;
      for (auto& other : all)
        if (other.get() != self) other.reset();
    };
  }
  poller.dispatch();
  CHECK(calls == 1);
  poller.dispatch();
  CHECK(calls == 1);
}

TEST_CASE("poller: one that is destroyed while it is left over is forgotten") {
  Poller poller;
  {
    Watched watched(poller);
    poller.again(watched);
  }
  CHECK_FALSE(poller.has_leftovers());
  poller.dispatch();
}

TEST_CASE("poller: a descriptor that cannot be watched is refused") {
  Poller poller;
  struct Nothing final : Pollable {
    void on_ready(uint32_t) override {}
  } nothing;
  CHECK_FALSE(poller.add(-1, nothing));
}
