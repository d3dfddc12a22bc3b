#include "net/poller.h"

#include <unistd.h>

#include "base/check.h"

namespace postern::net {

Poller::Poller() : set_(epoll_create1(EPOLL_CLOEXEC)) { base::check(set_ >= 0, "epoll_create1 failed"); }

Poller::~Poller() { close(set_); }

bool Poller::add(int descriptor, Pollable& pollable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &pollable;
  return epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Poller::remove(int descriptor, Pollable& pollable) {
  pollable.again_.unlink();
  epoll_ctl(set_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = batch_at_; i < batch_count_; ++i)
    if (batch_[static_cast<size_t>(i)].data.ptr == &pollable)
      batch_[static_cast<size_t>(i)].data.ptr = nullptr;
}

void Poller::dispatch() {
  base::Link leftovers;
  leftovers.take_all(again_);
  batch_count_ = epoll_wait(set_, batch_.data(), batch_size, 0);
  for (batch_at_ = 0; batch_at_ < batch_count_;) {
    const epoll_event& event = batch_[static_cast<size_t>(batch_at_++)];
    if (event.data.ptr) static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
  }
  batch_count_ = 0;
  while (leftovers.linked()) {
    Pollable* pollable = base::LinkIn<Pollable>::of(leftovers.next);
    pollable->again_.unlink();
    pollable->on_ready(0);
  }
}

}  // namespace postern::net
