#include "app/process_log.h"

#include <unistd.h>

#include "config/compile_policy.h"

namespace postern::app {
namespace {

// Empty: the standard output.
std::string file_of(const config::Document& document) {
  if (document.log.output == "stdout") return {};
  return config::resolve_file(document, document.log.output);
}

}  // namespace

ProcessLog::ProcessLog(const config::LogDocument& log)
    : format_(log.format),
      sink_(STDOUT_FILENO, telemetry::LogSink::Options{.format = format_}),
      logger_(sink_, {.format = format_, .level = log.level}) {}

tl::expected<std::optional<telemetry::LogOutput>, std::string> ProcessLog::open(
    const config::Document& document) const {
  const std::string file = file_of(document);
  if (file == file_) return std::nullopt;
  if (file.empty()) return telemetry::LogOutput::of_descriptor(STDOUT_FILENO);
  telemetry::LogOutput output;
  if (const std::error_code error = output.open_file(file))
    return tl::unexpected("log.output: " + file + " cannot be opened: " + error.message());
  return output;
}

void ProcessLog::adopt(const config::Document& document, std::optional<telemetry::LogOutput> output) {
  logger_.set_level(document.log.level);
  if (document.log.format != format_)
    logger_.warn("restart_needed", {{"key", "log.format"}, {"reason", "the format is fixed at the start"}});
  if (!output) return;
  file_ = file_of(document);
  sink_.adopt(std::move(*output), file_);
}

}  // namespace postern::app
