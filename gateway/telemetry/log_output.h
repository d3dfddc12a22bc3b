// A descriptor that log bytes go to, and the ways to give it some without ever waiting for a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace postern::telemetry {

// Owned by one LogSink, which lets one thread at a time use it.
class LogOutput {
 public:
  LogOutput() = default;  // takes nothing: every write is EBADF
  LogOutput(LogOutput&& other) noexcept;
  LogOutput& operator=(LogOutput&& other) noexcept;
  ~LogOutput();

  // An open descriptor, which stays the caller's and stays open. A pipe or a terminal is opened once more for
  // ourselves where the system allows it: O_NONBLOCK on the caller's would reach every process that shares
  // it.
  static LogOutput of_descriptor(int descriptor);

  // Opens `path` for appending and makes the file (mode 0640) if there is none; on an error *this is
  // unchanged.
  std::error_code open_file(const std::string& path);

  struct Written {
    size_t bytes;
    int error;  // 0, or an errno value, and then no byte was written
  };
  // Writes a beginning of `text` (not empty), at least one byte. A full pipe or socket is EAGAIN, a reader
  // that is gone is EPIPE and raises no signal. Only the disk under a regular file can make it wait.
  Written write_some(std::string_view text);

  // Somebody may be reading along: a terminal, a pipe or a socket.
  bool is_watched() const { return kind_ != Kind::file; }

 private:
  enum class Kind : uint8_t {
    file,         // and devices such as /dev/null
    pipe,         // or terminal, non-blocking
    shared_pipe,  // or terminal, blocking, because others share it
    socket,
  };
  static Kind kind_of(int descriptor);
  void close();

  int descriptor_ = -1;
  bool owned_ = false;
  Kind kind_ = Kind::file;
};

}  // namespace postern::telemetry
