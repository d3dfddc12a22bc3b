#include "telemetry/log.h"

#include "base/text_builder.h"

namespace postern::telemetry {
namespace {

using base::Severity;

std::span<const Field> span_of(std::initializer_list<Field> fields) {
  return {fields.begin(), fields.size()};
}

}  // namespace

void Logger::write(Severity level, std::string_view event, std::span<const Field> fields) const {
  if (!takes(level)) return;
  base::TextBuilder line;
  append_line(line, format_, clock_(), level, event, fields);
  sink_.write(line.view(), level >= Severity::warn ? Urgency::at_once : Urgency::buffered);
}

void Logger::debug(std::string_view event, std::initializer_list<Field> fields) const {
  write(Severity::debug, event, span_of(fields));
}

void Logger::info(std::string_view event, std::initializer_list<Field> fields) const {
  write(Severity::info, event, span_of(fields));
}

void Logger::warn(std::string_view event, std::initializer_list<Field> fields) const {
  write(Severity::warn, event, span_of(fields));
}

void Logger::error(std::string_view event, std::initializer_list<Field> fields) const {
  write(Severity::error, event, span_of(fields));
}

}  // namespace postern::telemetry
