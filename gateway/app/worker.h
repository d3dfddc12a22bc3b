// One loop on one thread, and everything on it. Workers share nothing but snapshots and the log.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "app/messages.h"
#include "net/mailbox.h"
#include "proxy/silent_routes.h"
#include "proxy/socket_memory.h"
#include "server/acceptor.h"
#include "telemetry/log.h"
#include "upstream/process_load.h"

namespace postern::app {

// What workers that have ended did not bring to an end. Any thread.
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

// What workers use that belongs to the process; outlives them.
struct Shared {
  telemetry::LogSink& sink;
  telemetry::Logger& log;
  telemetry::LogFormat format;
  server::ClientCounts clients;
  upstream::ProcessLoads upstream_loads;
  std::shared_ptr<proxy::SilentRoutes> silent_routes;
  std::shared_ptr<proxy::SocketMemory> socket_memory;
  std::function<void(ToControl)> tell_control;  // any thread
  CutWork cut{};
};

class Worker {
 public:
  // Starts the thread; returns when its mailbox takes messages. The first must be AdoptSnapshot.
  explicit Worker(Shared& shared);
  ~Worker();  // after Stop was posted: waits for the thread
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(ToWorker message) { mailbox_->post(std::move(message)); }

 private:
  class Parts;
  void run(std::promise<void> started);

  Shared& shared_;
  std::unique_ptr<net::Mailbox<ToWorker>> mailbox_;  // made and destroyed by the thread
  std::thread thread_;
};

}  // namespace postern::app
