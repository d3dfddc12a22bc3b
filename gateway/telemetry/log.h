// The log of the process: events with a level, a name and fields. The telemetry module provides loggers, the
// access log, metrics, request ids and the sink below them. It must not know requests, connections or
// sockets: its callers fill in plain values.
#pragma once

#include <atomic>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/error_fwd.h"
#include "telemetry/log_line.h"
#include "telemetry/log_sink.h"

namespace postern::telemetry {

// Levels are base::Severity. Events of level warn and above are written at once. Any thread may use a logger.
class Logger {
 public:
  struct Options {
    LogFormat format = LogFormat::json;
    base::Severity level = base::Severity::info;  // the lowest that is written
    WallClock clock = &wall_time_now;
  };

  explicit Logger(LogSink& sink) : Logger(sink, Options{}) {}
  // The sink must outlive the logger.
  Logger(LogSink& sink, Options options)
      : sink_(sink), format_(options.format), clock_(options.clock), level_(options.level) {}

  // Whether events of this level are written; check it before computing expensive fields.
  bool takes(base::Severity level) const { return level >= level_.load(std::memory_order_relaxed); }
  void set_level(base::Severity lowest) { level_.store(lowest, std::memory_order_relaxed); }

  // For example log.info("listening", {{"address", address.text()}, {"tls", true}}).
  void debug(std::string_view event, std::initializer_list<Field> fields = {}) const;
  void info(std::string_view event, std::initializer_list<Field> fields = {}) const;
  void warn(std::string_view event, std::initializer_list<Field> fields = {}) const;
  void error(std::string_view event, std::initializer_list<Field> fields = {}) const;
  void write(base::Severity level, std::string_view event, std::span<const Field> fields) const;

  LogSink& sink() const { return sink_; }

 private:
  LogSink& sink_;
  const LogFormat format_;
  const WallClock clock_;
  std::atomic<base::Severity> level_;
};

}  // namespace postern::telemetry
