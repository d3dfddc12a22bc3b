#include "http/date.h"

#include <array>
#include <ctime>
#include <limits>

namespace postern::http {
namespace {

// Not strftime: its names follow the locale.
constexpr auto day_names = std::to_array<std::string_view>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
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

}  // namespace

std::string_view imf_fixdate(int64_t unix_seconds) {
  thread_local Made made;
  if (made.second != unix_seconds) {
    make(unix_seconds, made.text.data());
    made.second = unix_seconds;
  }
  return {made.text.data(), made.text.size()};
}

}  // namespace postern::http
