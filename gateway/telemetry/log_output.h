// The descriptor that log bytes are written to, with writes that never wait for a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace postern::telemetry {

// Owned by one LogSink, which uses it from one thread at a time.
class LogOutput {
 public:
  LogOutput() = default;  // no output: every write fails with EBADF
  LogOutput(LogOutput&& other) noexcept;
  LogOutput& operator=(LogOutput&& other) noexcept;
  ~LogOutput();

  // Uses an open descriptor, which stays owned by the caller and stays open. A pipe or a terminal is opened a
  // second time where the system allows it: setting O_NONBLOCK on the caller's descriptor would affect every
  // process that shares it.
  static LogOutput of_descriptor(int descriptor);

  // Opens `path` for appending and creates the file (mode 0640) if it does not exist. On an error *this is
  // unchanged.
  std::error_code open_file(const std::string& path);

  struct Written {
    size_t bytes;
    int error;  // 0, or an errno value; then no byte was written
  };
  // Writes the beginning of `text` (not empty), at least one byte. A full pipe or socket gives EAGAIN; a
  // reader that is gone gives EPIPE and raises no signal. The call blocks only on the disk of a regular file.
  Written write_some(std::string_view text);

  // True when a person may be reading the output: a terminal, a pipe or a socket.
  bool is_watched() const { return kind_ != Kind::file; }

 private:
  enum class Kind : uint8_t {
    file,         // or a device such as /dev/null
    pipe,         // or a terminal; non-blocking
    shared_pipe,  // or a terminal; blocking, because other processes share it
    socket,
  };
  static Kind kind_of(int descriptor);
  void close();

  int descriptor_ = -1;
  bool owned_ = false;
  Kind kind_ = Kind::file;
};

}  // namespace postern::telemetry
