// The log of the process: created at the start from the configuration, changed by a reload.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "config/document.h"
#include "telemetry/log.h"
#include "telemetry/log_output.h"

namespace postern::app {

// Owned by the control thread; sink() and logger() return objects that any thread may use.
class ProcessLog {
 public:
  // Starts with the standard output, whatever output `log` names: the first line may have to say that the log
  // file cannot be opened.
  explicit ProcessLog(const config::LogDocument& log);

  telemetry::LogSink& sink() { return sink_; }
  telemetry::Logger& logger() { return logger_; }
  // The format does not change after the start, since lines of several workers are being written at any time.
  telemetry::LogFormat format() const { return format_; }

  // Opens the output that `document` names; nullopt if it is the current output.
  tl::expected<std::optional<telemetry::LogOutput>, std::string> open(const config::Document& document) const;
  // Sets the level of `document` and the output that open() returned for it.
  void adopt(const config::Document& document, std::optional<telemetry::LogOutput> output);

 private:
  const telemetry::LogFormat format_;
  telemetry::LogSink sink_;
  telemetry::Logger logger_;
  std::string file_;  // the current log file; empty: the standard output
};

}  // namespace postern::app
