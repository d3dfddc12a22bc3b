// A log that a test can read: a sink on a file in memory.
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
  // Every line so far, in order.
  std::vector<base::Json> lines();
  // Those of one event.
  std::vector<base::Json> lines(std::string_view event);
  // The only one of this event; throws when there is none or more.
  base::Json line(std::string_view event);
  // The last of this event; throws when there is none.
  base::Json last(std::string_view event);

 private:
  net::Socket file_;  // any descriptor will do
  telemetry::LogSink sink_;
  telemetry::AccessLog access_log_;
  telemetry::Logger logger_;
};

}  // namespace postern::support
