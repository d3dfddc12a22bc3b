#include "config/values.h"

#include <doctest/doctest.h>

using namespace postern::config;
using std::chrono::milliseconds;

namespace {

template <class T>
std::string better_of(const Parsed<T>& parsed) {
  REQUIRE_FALSE(parsed.has_value());
  CHECK_FALSE(parsed.error().rule.empty());
  return parsed.error().better;
}

}  // namespace

TEST_CASE("values: durations are a number and a unit") {
  CHECK(parse_duration("5s") == milliseconds(5000));
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("2m") == milliseconds(120'000));
  CHECK(parse_duration("1h") == milliseconds(3'600'000));
  CHECK(parse_duration("0s") == milliseconds(0));
  for (const char* bad : {"", "5", "s", "1.5s", "-1s", "+1s", "5sec", "1h30m", "5s ", " 5s", "0x5s",
                          "99999999999999999999s", "9223372036854775807h"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad).has_value());
  }
  CHECK(better_of(parse_duration("5 s")) == "5s");
  CHECK(better_of(parse_duration("5S")) == "5s");
  CHECK(better_of(parse_duration("30sec")) == "30s");
  CHECK(better_of(parse_duration("2 minutes")) == "2m");
  CHECK(better_of(parse_duration("1Hour")) == "1h");
  CHECK(better_of(parse_duration("010s")) == "10s");
  CHECK(better_of(parse_duration("1m30s")) == "90s");
  CHECK(better_of(parse_duration("1.5s")) == "1500ms");
  CHECK(better_of(parse_duration("1d")) == "24h");
  CHECK(better_of(parse_duration("1d12h")) == "36h");
  for (const char* none : {"1.55s", "s", "1m30", "99999999999999999999d", "-1d", "1..5s", "1w"}) {
    CAPTURE(none);
    CHECK(better_of(parse_duration(none)).empty());
  }
}

TEST_CASE("values: sizes are powers of 1024") {
  CHECK(parse_size("65536") == 65536u);
  CHECK(parse_size("64B") == 64u);
  CHECK(parse_size("16KiB") == 16384u);
  CHECK(parse_size("32k") == 32768u);
  CHECK(parse_size("1M") == 1048576u);
  CHECK(parse_size("1MiB") == 1048576u);
  CHECK(parse_size("2GiB") == 2147483648u);
  for (const char* bad :
       {"", "KiB", "1KB", "1MB", "1.5M", "-1", "1TiB", "18446744073709551616", "17179869184GiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad).has_value());
  }
  CHECK(better_of(parse_size("16 KiB")) == "16KiB");
  CHECK(better_of(parse_size("16kib")) == "16KiB");
  CHECK(better_of(parse_size("10MB")) == "10MiB");
  CHECK(better_of(parse_size("2 GB")) == "2GiB");
  CHECK(better_of(parse_size("64kb")) == "64KiB");
  CHECK(better_of(parse_size("5MBps")).empty());
}

TEST_CASE("values: numbers are decimal and never octal") {
  CHECK(parse_number("0") == 0u);
  CHECK(parse_number("18446744073709551615") == 18446744073709551615u);
  CHECK(better_of(parse_number("010")) == "10");
  CHECK(better_of(parse_number("00")) == "0");
  for (const char* bad : {"", "-1", "+1", "1_000", "0x10", "1e3", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_number(bad).has_value());
  }
}

TEST_CASE("values: booleans are true and false only, and traps are told so") {
  CHECK(parse_rate("100/s")->count == 100);
  CHECK(parse_rate("100/s")->per == std::chrono::seconds(1));
  CHECK(parse_rate("10/m")->per == std::chrono::minutes(1));
  CHECK(parse_rate("1000000/h")->count == 1'000'000);
  CHECK(parse_rate("1000000/h")->per == std::chrono::hours(1));
  for (const char* bad :
       {"", "/s", "10", "10/", "10/d", "0/s", "1000001/s", "-1/s", "1.5/s", "10/s/s", "99999999999/s"})
    CHECK_MESSAGE(!parse_rate(bad), bad);
  CHECK(parse_boolean("true") == true);
  CHECK(parse_boolean("false") == false);
  CHECK(better_of(parse_boolean("no")) == "false");
  CHECK(better_of(parse_boolean("OFF")) == "false");
  CHECK(better_of(parse_boolean("yes")) == "true");
  CHECK(better_of(parse_boolean("True")) == "true");
  CHECK(better_of(parse_boolean("perhaps")).empty());
}

TEST_CASE("values: methods, header names and names follow their grammar") {
  CHECK(parse_method("GET") == "GET");
  CHECK(parse_method("M-SEARCH") == "M-SEARCH");
  CHECK(better_of(parse_method("get")) == "GET");
  CHECK(better_of(parse_method("GE T")).empty());
  // Any token is a method, in its own case; a common one in lower case is a mistake.
  CHECK(parse_method("VERSION-CONTROL") == "VERSION-CONTROL");
  CHECK(parse_method("list") == "list");
  CHECK(better_of(parse_method("Post")) == "POST");
  CHECK_FALSE(parse_method("CONNECT").has_value());
  CHECK(parse_method(std::string(64, 'M')).has_value());
  CHECK_FALSE(parse_method(std::string(65, 'M')).has_value());
  CHECK(parse_header_name("X-User-Id") == "X-User-Id");
  CHECK_FALSE(parse_header_name("*").has_value());
  CHECK_FALSE(parse_header_name("X-User:").has_value());
  CHECK_FALSE(parse_header_name("X\xc3\xa4").has_value());
  CHECK(parse_name("api.v2_b-c") == "api.v2_b-c");
  CHECK_FALSE(parse_name("a b").has_value());
  CHECK_FALSE(parse_name(std::string(65, 'a')).has_value());
}

TEST_CASE("values: fields that frame or authenticate a request cannot be set") {
  for (const char* bad : {"Host", "content-length", "Connection", "TE", "Upgrade", "Transfer-Encoding",
                          "Authorization", "Cookie", "X-Forwarded-For", "Forwarded", "Sec-WebSocket-Protocol",
                          "Proxy-Authorization", "Keep-Alive", "Expect", "Origin", "Via"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_settable_header(bad).has_value());
  }
  CHECK(parse_settable_header("X-User-Id") == "X-User-Id");
}

TEST_CASE("values: durations print in the largest unit that fits") {
  CHECK(to_text(milliseconds(1)) == "1ms");
  CHECK(to_text(milliseconds(1500)) == "1500ms");
  CHECK(to_text(milliseconds(60'000)) == "60s");
  CHECK(to_text(milliseconds(600'000)) == "10m");
  CHECK(to_text(milliseconds(86'400'000)) == "24h");
}
