// The format of a log line: fields, times, and the two formats. Everything that writes to the log renders its
// lines with these functions, the sink included.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/error_fwd.h"
#include "base/text_builder.h"

namespace postern::telemetry {

enum class LogFormat : uint8_t { json, text };

// Time of day in UTC. The clock is a parameter wherever lines are made, so that tests can predict every byte.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using WallClock = WallTime (*)();
WallTime wall_time_now();

// One named value of a line. Name and text are views that must be valid until the line is rendered; for a
// field written in a call to Logger that is the end of the statement. A name is a word of [a-z0-9_] from our
// own code.
class Field {
 public:
  using Value = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string_view>;

  Field(std::string_view name, std::nullptr_t) : name_(name), value_(nullptr) {}
  Field(std::string_view name, std::same_as<bool> auto value) : name_(name), value_(value) {}
  Field(std::string_view name, std::signed_integral auto value) : name_(name), value_(int64_t{value}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view name, T value)
      : name_(name), value_(uint64_t{value}) {}
  Field(std::string_view name, double value) : name_(name), value_(value) {}
  Field(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  Field(std::string_view name, const char* value) : name_(name), value_(std::string_view(value)) {}
  Field(std::string_view name, const std::string& value) : name_(name), value_(std::string_view(value)) {}

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

std::string_view label(base::Severity level);

// "2026-11-21T02:48:11.123Z" (RFC 3339), years 0 to 9999.
void append_timestamp(base::TextBuilder& out, WallTime time);
// "02:48:11.123"
void append_time_of_day(base::TextBuilder& out, WallTime time);

// Appends the beginning of a line; the caller appends the rest and ends it with "}\n" (JSON) or "\n" (text).
//   json: {"time":"2026-11-21T02:48:11.123Z","level":"info","event":"listening"
//   text: 2026-11-21T02:48:11.123Z info  listening
// `event` is a word of [a-z0-9_] from our own code.
void begin_line(base::TextBuilder& out, LogFormat format, WallTime time, base::Severity level,
                std::string_view event);

// Appends a whole line. Values are escaped: no byte of a peer can end a line or reach a terminal unescaped.
void append_line(base::TextBuilder& out, LogFormat format, WallTime time, base::Severity level,
                 std::string_view event, std::span<const Field> fields);

}  // namespace postern::telemetry
