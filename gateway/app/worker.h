// A worker: one loop on one thread, and everything that runs on it. Workers share only snapshots, the log and
// the objects in Shared.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "app/messages.h"
#include "net/mailbox.h"
#include "server/acceptor.h"
#include "state/process_state.h"
#include "telemetry/log.h"

namespace postern::app {

// Counts the work that workers cut off when they ended. Any thread.
class CutWork {
 public:
  void add(const server::OpenWork& work) {
    const std::lock_guard guard(mutex_);
    sum_.add(work);
  }
  server::OpenWork sum() const {
    const std::lock_guard guard(mutex_);
    return sum_;
  }

 private:
  mutable std::mutex mutex_;
  server::OpenWork sum_;
};

// Objects of the process that workers use; they outlive the workers.
struct Shared {
  telemetry::LogSink& sink;
  telemetry::Logger& log;
  telemetry::LogFormat format;
  state::ProcessState& state;
  std::function<void(ToControl)> tell_control;  // may be called by any thread
  CutWork cut{};
};

class Worker {
 public:
  // Starts the thread; returns when its mailbox accepts messages. The first message must be AdoptSnapshot.
  explicit Worker(Shared& shared);
  ~Worker();  // joins the thread; Stop must have been posted before
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(ToWorker message) { mailbox_->post(std::move(message)); }

 private:
  class Parts;
  void run(std::promise<void> started);

  Shared& shared_;
  std::unique_ptr<net::Mailbox<ToWorker>> mailbox_;  // created and destroyed by the thread
  std::thread thread_;
};

}  // namespace postern::app
