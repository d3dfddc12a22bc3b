#include "app/password_threads.h"

#include <algorithm>

namespace postern::app {
namespace {

// Half of the cores: the other half stays for requests that have passed.
size_t thread_count() { return std::clamp<size_t>(std::thread::hardware_concurrency() / 2, 1, 4); }

}  // namespace

void PasswordThreads::start() {
  while (threads_.size() < thread_count())
    threads_.emplace_back([this] {
      while (checks_.work()) {
      }
    });
}

PasswordThreads::~PasswordThreads() {
  checks_.stop();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace postern::app
