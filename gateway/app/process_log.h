// The log of the process as the configuration wants it: made at the start, changed by a reload.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "config/document.h"
#include "telemetry/log.h"
#include "telemetry/log_output.h"

namespace postern::app {

// The control thread's; what sink() and logger() return may be used by any thread.
class ProcessLog {
 public:
  // Begins with the standard output, whatever `log` names: what is to be said first may be that its file
  // cannot be opened.
  explicit ProcessLog(const config::LogDocument& log);

  telemetry::LogSink& sink() { return sink_; }
  telemetry::Logger& logger() { return logger_; }
  // Lines are written in the format of the start: those of several workers are under way at any time.
  telemetry::LogFormat format() const { return format_; }

  // The output that `document` names, opened: nothing where it is in use already.
  tl::expected<std::optional<telemetry::LogOutput>, std::string> open(const config::Document& document) const;
  // From now on: the level of `document`, and the output that open() gave for it.
  void adopt(const config::Document& document, std::optional<telemetry::LogOutput> output);

 private:
  const telemetry::LogFormat format_;
  telemetry::LogSink sink_;
  telemetry::Logger logger_;
  std::string file_;  // that lines go to; empty: the standard output
};

}  // namespace postern::app
