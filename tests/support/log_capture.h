// A log that a test can read: a sink that writes to a file in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/socket.h"
#include "telemetry/access_log.h"
#include "telemetry/log.h"
#include "telemetry/log_sink.h"

namespace postern::support {

class LogCapture {
 public:
  LogCapture();

  telemetry::LogSink& sink() { return sink_; }
  telemetry::AccessLog& access_log() { return access_log_; }
  const telemetry::Logger& logger() const { return logger_; }

  std::string text();
  // All lines so far, in order.
  std::vector<base::Json> lines();
  // The lines of one event.
  std::vector<base::Json> lines(std::string_view event);
  // The only line of this event; throws when there is none or more than one.
  base::Json line(std::string_view event);
  // The last line of this event; throws when there is none.
  base::Json last(std::string_view event);

 private:
  net::Socket file_;  // owns the descriptor of the file in memory
  telemetry::LogSink sink_;
  telemetry::AccessLog access_log_;
  telemetry::Logger logger_;
};

}  // namespace postern::support
