// Passes messages to another thread's loop; no other way exists. Messages are queued under a lock and
// delivered on the receiving loop's thread. Posting after the mailbox was destroyed is a programming error of
// the owner of both.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "net/loop.h"

namespace postern::net {

template <class Message>
class Mailbox {
 public:
  Mailbox(Loop& loop, std::function<void(Message)> receive) : receive_(std::move(receive)) {
    base::check(uv_async_init(loop.uv(), async_.get(),
                              [](uv_async_t* handle) {
                                if (handle->data) static_cast<Mailbox*>(handle->data)->drain();
                              }) == 0,
                "uv_async_init failed");
    async_.opened(this);
  }

  void post(Message message) {  // any thread
    // The wake-up is sent under the lock: a message may make the receiver end its loop and free the mailbox,
    // and the receiver cannot take the message before this function is done with the handle.
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(message));
    uv_async_send(async_.get());
  }

 private:
  void drain() {
    std::deque<Message> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(waiting_);
    }
    for (Message& message : batch) receive_(std::move(message));
  }

  UvHandle<uv_async_t> async_;
  std::mutex mutex_;
  std::deque<Message> waiting_;
  std::function<void(Message)> receive_;
};

}  // namespace postern::net
