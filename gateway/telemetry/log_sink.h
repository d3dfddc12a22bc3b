// Writes log lines to the standard output or to a file. The process has one sink, made by the app and passed
// by reference to everything that logs.
//
// Lines wait in a buffer and are written in one write(2) per 64 KiB, at once when they are urgent, or when
// flush_if_older_than() is called. The sink has no timer and no thread: every worker's loop calls it each
// flush_age() or more often, and the app calls flush() before it ends.
//
// No failure of the output blocks or ends the process. Lines that cannot be written (disk full, slow reader,
// no reader) are kept up to `capacity` and retried at every flush. When the buffer is full, lines are lost,
// from the first that found no room until a flush succeeds; then a line "log_lines_lost" gives their number.
// A line is written whole and in order, or not at all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

#include "base/clock.h"
#include "telemetry/log_line.h"
#include "telemetry/log_output.h"

namespace postern::telemetry {

enum class Urgency : uint8_t { buffered, at_once };

// Any thread may call any of these functions.
class LogSink {
 public:
  struct Options {
    LogFormat format = LogFormat::json;  // for the lines that the sink itself writes
    WallClock clock = &wall_time_now;
    size_t write_size = 64 * 1024;  // bytes that make a write worthwhile
    size_t capacity = 1024 * 1024;  // maximum bytes of lines not yet written
  };

  explicit LogSink(int descriptor) : LogSink(descriptor, Options{}) {}
  // Starts with an open descriptor, such as STDOUT_FILENO, which stays owned by the caller.
  LogSink(int descriptor, Options options);
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  // Tries once more to write the lines that wait.
  ~LogSink();

  // Writes lines to the file at `path` from now on; it is created if it does not exist. On an error nothing
  // changes.
  std::error_code open_file(std::string path);
  // Writes lines to `output` from now on. reopen() opens it again by `path`; an empty path means that it is
  // not a file.
  void adopt(LogOutput output, std::string path);

  // Opens the file by its path again, for log rotation: lines before this call go to the old file, lines
  // after it to the new one. On an error the old file stays in use and a line "log_reopen_failed" is written.
  // Without a file it only flushes.
  std::error_code reopen();

  // Accepts one line, which ends with '\n' and contains no other. An urgent line is written before this
  // returns, unless the output accepts nothing at present.
  void write(std::string_view line, Urgency urgency = Urgency::buffered);

  // Writes the lines that wait; returns true when all of them are written.
  bool flush();

  // Flushes when the last flush through this function is at least `age` ago; cheap otherwise. A line waits at
  // most for `age` plus one interval of the caller's timer. `now` must never go back.
  void flush_if_older_than(base::Instant now, base::Duration age);

  // The age to use: 50 ms when a person may be reading (terminal, pipe, socket), 1 s for a file.
  base::Duration flush_age() const;

  // True when the output accepted less than there was, so that a flush should be tried soon.
  bool behind() const;

  // The number of lines lost since the start.
  uint64_t lines_lost() const;

 private:
  // These functions require output_mutex_.
  bool write_out();
  bool finish_writing();
  void take_waiting();
  void take_loss();
  void return_to_line_start();

  const Options options_;

  // Held for the duration of a write; locked before lines_mutex_ when both are needed.
  mutable std::mutex output_mutex_;
  LogOutput output_;
  std::string path_;     // empty: not a file
  std::string writing_;  // whole lines that are being written
  size_t written_ = 0;   // bytes of them that are written
  base::Instant last_flush_{};

  // Held for short times only.
  mutable std::mutex lines_mutex_;
  std::string waiting_;      // lines that wait, in order
  size_t writing_size_ = 0;  // size of writing_, so that lines_mutex_ protects the sum with waiting_
  bool stuck_ = false;       // the last write failed: only flushes retry
  uint64_t lost_ = 0;        // lost lines that no "log_lines_lost" line has reported yet
  uint64_t lost_in_all_ = 0;
};

}  // namespace postern::telemetry
