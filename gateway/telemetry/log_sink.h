// Where log lines go: the standard output or a file. The process has one, made by the app and passed by
// reference to all that log.
//
// Lines wait in a buffer and leave in one write(2) per 64 KiB, or at once when they are urgent, or when a
// timer of the app calls flush_if_older_than(). The sink has no timer and no thread of its own: every
// worker's loop calls it each flush_age() or more often, and the app calls flush() before it ends.
//
// Nothing that happens to the output blocks or ends the process. Lines that cannot be written (disk full,
// slow reader, no reader) are kept up to `capacity` and tried again at every flush. When that is full, lines
// are lost, from the first that found no room until a flush gets through; then a line "log_lines_lost" says
// how many. A line is written whole, after the one that came before it, or not at all.
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

// All functions may be called by any thread.
class LogSink {
 public:
  struct Options {
    LogFormat format = LogFormat::json;  // of the sink's own lines
    WallClock clock = &wall_time_now;
    size_t write_size = 64 * 1024;  // bytes that make a write worth while
    size_t capacity = 1024 * 1024;  // bytes of lines not yet written, at most
  };

  explicit LogSink(int descriptor) : LogSink(descriptor, Options{}) {}
  // Begins with an open descriptor, such as STDOUT_FILENO, which stays the caller's.
  LogSink(int descriptor, Options options);
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  // Tries once more to write what waits.
  ~LogSink();

  // From now on lines go to the file at `path`, made if it is not there. On an error nothing changes.
  std::error_code open_file(std::string path);
  // From now on lines go to `output`, which reopen() opens again by `path`; empty: it is no file.
  void adopt(LogOutput output, std::string path);

  // Opens the file by its name again, as after a rotation: lines before this call go to the old file, lines
  // after it to the new. On an error the old file stays in use and a line "log_reopen_failed" says so.
  // Without a file it only flushes.
  std::error_code reopen();

  // Takes one line, which ends with '\n' and has no other. Urgent ones are written before this returns,
  // unless the output takes nothing at present.
  void write(std::string_view line, Urgency urgency = Urgency::buffered);

  // Writes what waits; true when all of it is out.
  bool flush();

  // Flushes when the last flush through here is at least `age` ago; cheap otherwise. A line waits for
  // `age` and one interval of the caller's timer at most. `now` never goes back.
  void flush_if_older_than(base::Instant now, base::Duration age);

  // The age to use: 50 ms when somebody may be reading along (terminal, pipe, socket), 1 s for a file.
  base::Duration flush_age() const;

  // The output took less than there was: a flush is worth trying soon.
  bool behind() const;

  // Lines lost since the beginning.
  uint64_t lines_lost() const;

 private:
  // These need output_mutex_.
  bool write_out();
  bool finish_writing();
  void take_waiting();
  void take_loss();
  void return_to_line_start();

  const Options options_;

  // Taken for as long as a write lasts, and before lines_mutex_ by whoever needs both.
  mutable std::mutex output_mutex_;
  LogOutput output_;
  std::string path_;     // empty: not a file
  std::string writing_;  // whole lines on their way out
  size_t written_ = 0;   // bytes of them that are out
  base::Instant last_flush_{};

  // Taken for moments only.
  mutable std::mutex lines_mutex_;
  std::string waiting_;      // lines in order
  size_t writing_size_ = 0;  // of writing_, for the sum with waiting_
  bool stuck_ = false;       // the last write failed: only flushes try again
  uint64_t lost_ = 0;        // lines nobody was told about yet
  uint64_t lost_in_all_ = 0;
};

}  // namespace postern::telemetry
