#include "telemetry/log_line.h"
#include "base/error.h"

#include <array>
#include <type_traits>

namespace postern::telemetry {
namespace {

using base::TextBuilder;

constexpr auto level_labels = std::to_array<std::string_view>({"debug", "info", "warn", "error"});
constexpr size_t level_width = 6;  // the longest label and a space

void append_value(TextBuilder& out, LogFormat format, const Field::Value& value) {
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::nullptr_t>)
          out.append("null");
        else if constexpr (std::is_same_v<Held, bool>)
          out.append(held ? "true" : "false");
        else if constexpr (std::is_same_v<Held, double>)
          out.append_shortest(held);
        else if constexpr (std::is_same_v<Held, std::string_view>)
          format == LogFormat::json ? out.append_json_string(held) : out.append_word(held);
        else
          out.append_number(held);
      },
      value);
}

}  // namespace

WallTime wall_time_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string_view label(base::Severity level) { return level_labels[static_cast<size_t>(level)]; }

void append_time_of_day(TextBuilder& out, WallTime time) {
  const auto since_midnight = time - std::chrono::floor<std::chrono::days>(time);
  const auto in_day = static_cast<uint64_t>(since_midnight.count());
  const uint64_t seconds = in_day / 1000;
  out.append_zero_filled(seconds / 3600, 2).append(':').append_zero_filled(seconds / 60 % 60, 2);
  out.append(':').append_zero_filled(seconds % 60, 2).append('.').append_zero_filled(in_day % 1000, 3);
}

void append_timestamp(TextBuilder& out, WallTime time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  out.append_zero_filled(static_cast<uint64_t>(static_cast<int>(date.year())), 4).append('-');
  out.append_zero_filled(static_cast<unsigned>(date.month()), 2).append('-');
  out.append_zero_filled(static_cast<unsigned>(date.day()), 2).append('T');
  append_time_of_day(out, time);
  out.append('Z');
}

void begin_line(TextBuilder& out, LogFormat format, WallTime time, base::Severity level,
                std::string_view event) {
  const std::string_view level_label = label(level);
  if (format == LogFormat::json) {
    out.append(R"({"time":")");
    append_timestamp(out, time);
    out.append(R"(","level":")").append(level_label).append(R"(","event":")").append(event).append('"');
    return;
  }
  append_timestamp(out, time);
  out.append(' ').append(level_label).append(level_width - level_label.size(), ' ').append(event);
}

void append_line(TextBuilder& out, LogFormat format, WallTime time, base::Severity level,
                 std::string_view event, std::span<const Field> fields) {
  begin_line(out, format, time, level, event);
  for (const Field& field : fields) {
    if (format == LogFormat::json)
      out.append(",\"").append(field.name()).append("\":");
    else
      out.append(' ').append(field.name()).append('=');
    append_value(out, format, field.value());
  }
  out.append(format == LogFormat::json ? "}\n" : "\n");
}

}  // namespace postern::telemetry
