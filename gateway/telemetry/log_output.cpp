#include "telemetry/log_output.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace postern::telemetry {
namespace {

constexpr int open_flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Calls write(2) on a pipe without raising SIGPIPE, whatever the process does with that signal elsewhere.
ssize_t write_unsignalled(int descriptor, std::string_view text) {
  sigset_t broken_pipe;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t count = ::write(descriptor, text.data(), text.size());
  const int error = errno;
  if (count < 0 && error == EPIPE) {
    const timespec at_once{};
    sigtimedwait(&broken_pipe, nullptr, &at_once);  // the signal was raised for this thread: remove it
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return count;
}

// A pipe that is ready accepts PIPE_BUF bytes without blocking (pipe(7)), so writes of at most that size do
// not need O_NONBLOCK.
ssize_t write_when_ready(int descriptor, std::string_view text) {
  pollfd ready = {.fd = descriptor, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return write_unsignalled(descriptor, text.substr(0, PIPE_BUF));
}

}  // namespace

LogOutput::LogOutput(LogOutput&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      owned_(std::exchange(other.owned_, false)),
      kind_(other.kind_) {}

LogOutput& LogOutput::operator=(LogOutput&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    owned_ = std::exchange(other.owned_, false);
    kind_ = other.kind_;
  }
  return *this;
}

LogOutput::~LogOutput() { close(); }

void LogOutput::close() {
  if (owned_) ::close(descriptor_);
  descriptor_ = -1;
  owned_ = false;
}

LogOutput::Kind LogOutput::kind_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Kind::file;
  if (S_ISSOCK(status.st_mode)) return Kind::socket;
  if (S_ISFIFO(status.st_mode) || ::isatty(descriptor) == 1) return Kind::pipe;
  return Kind::file;
}

LogOutput LogOutput::of_descriptor(int descriptor) {
  LogOutput output;
  output.descriptor_ = descriptor;
  output.kind_ = kind_of(descriptor);
  if (output.kind_ != Kind::pipe) return output;

  const std::string again = "/proc/self/fd/" + std::to_string(descriptor);
  const int own = ::open(again.c_str(), open_flags);
  if (own < 0) {
    output.kind_ = Kind::shared_pipe;
    return output;
  }
  output.descriptor_ = own;
  output.owned_ = true;
  // The system allows every process this size; if it refuses, the pipe keeps the default of 64 KiB.
  constexpr int roomy = 1024 * 1024;
  ::fcntl(own, F_SETPIPE_SZ, roomy);
  return output;
}

std::error_code LogOutput::open_file(const std::string& path) {
  const int opened = ::open(path.c_str(), open_flags | O_CREAT, 0640);
  if (opened < 0) return {errno, std::system_category()};
  close();
  descriptor_ = opened;
  owned_ = true;
  kind_ = kind_of(opened);
  return {};
}

LogOutput::Written LogOutput::write_some(std::string_view text) {
  while (true) {
    ssize_t count = -1;
    switch (kind_) {
      case Kind::file: count = ::write(descriptor_, text.data(), text.size()); break;
      case Kind::pipe: count = write_unsignalled(descriptor_, text); break;
      case Kind::shared_pipe: count = write_when_ready(descriptor_, text); break;
      case Kind::socket:
        count = ::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    }
    if (count > 0) return {static_cast<size_t>(count), 0};
    if (count == 0) return {0, EAGAIN};
    if (errno != EINTR) return {0, errno};
  }
}

}  // namespace postern::telemetry
