#include "http/date.h"

#include <array>
#include <chrono>
#include <ctime>
#include <limits>

namespace postern::http {
namespace {

// strftime is not used, because its names depend on the locale.
constexpr auto day_names = std::to_array<std::string_view>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
constexpr auto long_day_names = std::to_array<std::string_view>(
    {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"});
constexpr auto month_names = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});

struct Made {
  int64_t second = std::numeric_limits<int64_t>::min();
  std::array<char, 29> text{};
};

void put_number(char* place, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) place[i] = static_cast<char>('0' + value % 10);
}

void put_text(char* place, std::string_view text) { text.copy(place, text.size()); }

void make(int64_t unix_seconds, char* text) {
  const std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  put_text(text, "day, dd mon year hh:mm:ss GMT");
  put_text(text, day_names[static_cast<size_t>(parts.tm_wday)]);
  put_number(text + 5, parts.tm_mday, 2);
  put_text(text + 8, month_names[static_cast<size_t>(parts.tm_mon)]);
  put_number(text + 12, parts.tm_year + 1900, 4);
  put_number(text + 17, parts.tm_hour, 2);
  put_number(text + 20, parts.tm_min, 2);
  put_number(text + 23, parts.tm_sec, 2);
}

// Reads pieces from the front of a date. After the first mismatch every further read fails too.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  bool good() const { return good_ && text_.empty(); }
  void literal(std::string_view wanted) {
    if (!text_.starts_with(wanted)) return fail();
    text_.remove_prefix(wanted.size());
  }
  // Reads one of `names` and returns its index.
  template <size_t Count>
  int name(const std::array<std::string_view, Count>& names) {
    for (size_t i = 0; i < Count; ++i) {
      if (!text_.starts_with(names[i])) continue;
      text_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    fail();
    return 0;
  }
  int number(size_t digits) {
    int value = 0;
    if (text_.size() < digits) fail();
    for (size_t i = 0; i < digits && good_; ++i) {
      if (text_[i] < '0' || text_[i] > '9') fail();
      value = value * 10 + (text_[i] - '0');
    }
    if (good_) text_.remove_prefix(digits);
    return good_ ? value : 0;
  }
  // Reads the day of the month in asctime form: a space replaces the first of two digits.
  int padded_number() {
    if (!text_.starts_with(' ')) return number(2);
    text_.remove_prefix(1);
    return number(1);
  }

 private:
  void fail() { good_ = false; }

  std::string_view text_;
  bool good_ = true;
};

struct Parts {
  int year = 0;
  int month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_time(DateReader& reader, Parts& parts) {
  parts.hour = reader.number(2);
  reader.literal(":");
  parts.minute = reader.number(2);
  reader.literal(":");
  parts.second = reader.number(2);
}

// Reads the form "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Parts> read_imf(std::string_view text) {
  DateReader reader(text);
  Parts parts;
  reader.name(day_names);
  reader.literal(", ");
  parts.day = reader.number(2);
  reader.literal(" ");
  parts.month = reader.name(month_names);
  reader.literal(" ");
  parts.year = reader.number(4);
  reader.literal(" ");
  read_time(reader, parts);
  reader.literal(" GMT");
  if (!reader.good()) return std::nullopt;
  return parts;
}

int year_of(int64_t unix_seconds) {
  const std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  return parts.tm_year + 1900;
}

// Reads the form "Sunday, 06-Nov-94 08:49:37 GMT". A year that seems more than 50 years ahead is in the past.
std::optional<Parts> read_rfc850(std::string_view text, int64_t now_unix) {
  DateReader reader(text);
  Parts parts;
  reader.name(long_day_names);
  reader.literal(", ");
  parts.day = reader.number(2);
  reader.literal("-");
  parts.month = reader.name(month_names);
  reader.literal("-");
  const int this_year = year_of(now_unix);
  parts.year = this_year / 100 * 100 + reader.number(2);
  if (parts.year > this_year + 50) parts.year -= 100;
  reader.literal(" ");
  read_time(reader, parts);
  reader.literal(" GMT");
  if (!reader.good()) return std::nullopt;
  return parts;
}

// Reads the form "Sun Nov  6 08:49:37 1994".
std::optional<Parts> read_asctime(std::string_view text) {
  DateReader reader(text);
  Parts parts;
  reader.name(day_names);
  reader.literal(" ");
  parts.month = reader.name(month_names);
  reader.literal(" ");
  parts.day = reader.padded_number();
  reader.literal(" ");
  read_time(reader, parts);
  reader.literal(" ");
  parts.year = reader.number(4);
  if (!reader.good()) return std::nullopt;
  return parts;
}

std::optional<int64_t> seconds_of(const Parts& parts) {
  const std::chrono::year_month_day day{std::chrono::year(parts.year),
                                        std::chrono::month(static_cast<unsigned>(parts.month + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.day))};
  if (!day.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return ((days * 24 + parts.hour) * 60 + parts.minute) * 60 + parts.second;
}

}  // namespace

std::optional<int64_t> parse_http_date(std::string_view text, int64_t now_unix) {
  if (const auto parts = read_imf(text)) return seconds_of(*parts);
  if (const auto parts = read_rfc850(text, now_unix)) return seconds_of(*parts);
  if (const auto parts = read_asctime(text)) return seconds_of(*parts);
  return std::nullopt;
}

std::string_view imf_fixdate(int64_t unix_seconds) {
  thread_local Made made;
  if (made.second != unix_seconds) {
    make(unix_seconds, made.text.data());
    made.second = unix_seconds;
  }
  return {made.text.data(), made.text.size()};
}

}  // namespace postern::http
