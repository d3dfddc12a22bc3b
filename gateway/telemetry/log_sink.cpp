#include "telemetry/log_sink.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/text_builder.h"

namespace postern::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration watched_flush_age = 50ms;
constexpr base::Duration file_flush_age = 1s;

// Reports on the standard error output that the log accepts nothing more, because nobody can read it in the
// log. `path` is empty when the log goes to the standard output, which may be a file too.
void tell_trouble(const std::string& path, int error_number) {
  if (error_number == EAGAIN || error_number == EPIPE) return;
  const std::string text = "postern: the log " + (path.empty() ? "on the standard output" : path) +
                           " cannot be written (" +
                           std::error_code(error_number, std::system_category()).message() +
                           "); its lines wait, and those that find no room are lost\n";
  const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(written);  // there is no other place to report it
}

}  // namespace

LogSink::LogSink(int descriptor, Options options)
    : options_(options), output_(LogOutput::of_descriptor(descriptor)) {}

LogSink::~LogSink() { flush(); }

std::error_code LogSink::open_file(std::string path) {
  LogOutput next;
  const std::error_code failure = next.open_file(path);
  if (!failure) adopt(std::move(next), std::move(path));
  return failure;
}

void LogSink::adopt(LogOutput output, std::string path) {
  const std::lock_guard lock(output_mutex_);
  write_out();
  return_to_line_start();  // a line that the old output did not write completely goes to the new one
  output_ = std::move(output);
  path_ = std::move(path);
  write_out();
}

std::error_code LogSink::reopen() {
  std::string path;
  {
    const std::lock_guard lock(output_mutex_);
    path = path_;
  }
  if (path.empty()) {
    flush();
    return {};
  }
  const std::error_code failure = open_file(path);
  if (failure) {
    const std::string reason = failure.message();
    const std::array<Field, 2> fields = {Field("path", path), Field("reason", reason)};
    base::TextBuilder line;
    append_line(line, options_.format, options_.clock(), base::Severity::error, "log_reopen_failed", fields);
    write(line.view(), Urgency::at_once);
  }
  return failure;
}

void LogSink::write(std::string_view line, Urgency urgency) {
  base::check(line.ends_with('\n'), "a log line ends with a newline");
  bool worth_a_write = false;
  {
    const std::lock_guard lock(lines_mutex_);
    if (lost_ > 0 || waiting_.size() + writing_size_ + line.size() > options_.capacity) {
      ++lost_;
      ++lost_in_all_;
    } else {
      waiting_.append(line);
    }
    // Lines are lost although the output works when threads write faster than it. Once the output is stuck,
    // only flushes retry: not every line must cost a failing write.
    worth_a_write = !stuck_ && (lost_ > 0 || waiting_.size() >= options_.write_size);
    if (stuck_) urgency = Urgency::buffered;
  }
  if (urgency == Urgency::at_once) {
    flush();
  } else if (worth_a_write) {
    const std::unique_lock lock(output_mutex_, std::try_to_lock);
    if (lock) write_out();  // otherwise another thread writes, and a later line or flush writes these
  }
}

bool LogSink::flush() {
  const std::lock_guard lock(output_mutex_);
  return write_out();
}

void LogSink::flush_if_older_than(base::Instant now, base::Duration age) {
  const std::unique_lock lock(output_mutex_, std::try_to_lock);
  if (!lock || now - last_flush_ < age) return;
  last_flush_ = now;
  write_out();
}

base::Duration LogSink::flush_age() const {
  const std::lock_guard lock(output_mutex_);
  return output_.is_watched() ? watched_flush_age : file_flush_age;
}

bool LogSink::behind() const {
  const std::lock_guard lock(lines_mutex_);
  return stuck_;
}

uint64_t LogSink::lines_lost() const {
  const std::lock_guard lock(lines_mutex_);
  return lost_in_all_;
}

bool LogSink::write_out() {
  if (!finish_writing()) return false;
  take_waiting();
  if (!finish_writing()) return false;
  take_loss();
  return finish_writing();
}

bool LogSink::finish_writing() {
  while (written_ < writing_.size()) {
    const LogOutput::Written written = output_.write_some(std::string_view(writing_).substr(written_));
    if (written.error != 0) {
      // The reader of the first part of a line is gone; the next reader must begin with a whole line.
      if (written.error == EPIPE) return_to_line_start();
      const std::lock_guard lock(lines_mutex_);
      if (!std::exchange(stuck_, true)) tell_trouble(path_, written.error);
      return false;
    }
    written_ += written.bytes;
  }
  if (writing_.empty()) return true;

  written_ = 0;
  writing_.clear();
  // Memory that a long wait has filled is freed.
  if (writing_.capacity() > 4 * options_.write_size) writing_ = {};
  const std::lock_guard lock(lines_mutex_);
  writing_size_ = 0;
  stuck_ = false;
  return true;
}

void LogSink::take_waiting() {
  const std::lock_guard lock(lines_mutex_);
  writing_.swap(waiting_);
  writing_size_ = writing_.size();
}

void LogSink::take_loss() {
  uint64_t lost = 0;
  {
    const std::lock_guard lock(lines_mutex_);
    // Lines that arrived since take_waiting() came before the loss: they are written first, with the next
    // write.
    if (!waiting_.empty()) return;
    lost = std::exchange(lost_, 0);
  }
  if (lost == 0) return;
  const std::array<Field, 1> fields = {Field("lines", lost)};
  base::TextBuilder line;
  append_line(line, options_.format, options_.clock(), base::Severity::warn, "log_lines_lost", fields);
  writing_.assign(line.view());
  const std::lock_guard lock(lines_mutex_);
  writing_size_ = writing_.size();
}

void LogSink::return_to_line_start() {
  const size_t end_of_last = written_ == 0 ? writing_.npos : writing_.rfind('\n', written_ - 1);
  written_ = end_of_last == writing_.npos ? 0 : end_of_last + 1;
}

}  // namespace postern::telemetry
