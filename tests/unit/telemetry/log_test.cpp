#include "telemetry/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/json.h"
#include "base/text_builder.h"

using namespace postern::telemetry;
using namespace std::chrono_literals;
using postern::base::Severity;
using postern::base::TextBuilder;

namespace {

constexpr WallTime noted_time =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 2h + 48min + 11s + 123ms;
WallTime noted_clock() { return noted_time; }

std::string timestamp(WallTime time) {
  TextBuilder out;
  append_timestamp(out, time);
  return std::string(out.view());
}

// A pipe that a sink writes to, and what was read from it.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int write_end() const { return ends_[1]; }
  std::string read() {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(ends_[0], buffer.data(), buffer.size());
    return count > 0 ? std::string(buffer.data(), static_cast<size_t>(count)) : std::string();
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace

TEST_CASE("log: a JSON line has time, level and event first and then the fields in order") {
  Pipe pipe;
  LogSink sink(pipe.write_end());
  const Logger log(sink, {.clock = noted_clock});
  const std::string address = "127.0.0.1:8443";
  log.info("listening", {{"address", address}, {"tls", true}});
  CHECK(sink.flush());
  CHECK(pipe.read() == R"({"time":"2026-11-21T02:48:11.123Z","level":"info","event":"listening",)"
                       R"("address":"127.0.0.1:8443","tls":true})"
                       "\n");
}

TEST_CASE("log: a text line is short and aligned") {
  Pipe pipe;
  LogSink sink(pipe.write_end());
  const Logger log(sink, {.format = LogFormat::text, .level = Severity::debug, .clock = noted_clock});
  log.info("listening", {{"address", "127.0.0.1:8443"}, {"tls", true}});
  log.debug("ready");
  CHECK(sink.flush());
  CHECK(pipe.read() ==
        "2026-11-21T02:48:11.123Z info  listening address=127.0.0.1:8443 tls=true\n"
        "2026-11-21T02:48:11.123Z debug ready\n");
}

TEST_CASE("log: a field of every type is written as what it is") {
  const uint16_t port = 8443;
  const std::array<Field, 9> fields = {
      Field("none", nullptr), Field("yes", true),   Field("no", false),
      Field("below", -5),     Field("port", port),  Field("most", UINT64_MAX),
      Field("share", 0.25),   Field("word", "one"), Field("view", std::string_view("two words"))};
  TextBuilder json;
  append_line(json, LogFormat::json, noted_time, Severity::warn, "types", fields);
  CHECK(json.view().ends_with(R"("event":"types","none":null,"yes":true,"no":false,"below":-5,"port":8443,)"
                              R"("most":18446744073709551615,"share":0.25,"word":"one","view":"two words"})"
                              "\n"));
  TextBuilder text;
  append_line(text, LogFormat::text, noted_time, Severity::warn, "types", fields);
  CHECK(text.view() ==
        "2026-11-21T02:48:11.123Z warn  types none=null yes=true no=false below=-5 port=8443 "
        "most=18446744073709551615 share=0.25 word=one view=\"two words\"\n");
}

TEST_CASE("log: no value of a peer ends a line, reaches a terminal raw or breaks the JSON") {
  const std::string hostile = "x\n{\"level\":\"error\"}\r\x1b[31m\xff\u009b\u2028 =\"";
  const std::array<Field, 1> fields = {Field("target", hostile)};
  for (const LogFormat format : {LogFormat::json, LogFormat::text}) {
    TextBuilder line;
    append_line(line, format, noted_time, Severity::info, "test", fields);
    CHECK(line.view().find('\n') == line.size() - 1);
    CHECK(line.view().find_first_of("\r\x1b\xff") == std::string_view::npos);
    CHECK(line.view().find("\u009b") == std::string_view::npos);
  }
  TextBuilder line;
  append_line(line, LogFormat::json, noted_time, Severity::info, "test", fields);
  const auto read = postern::base::parse_json(line.view());
  REQUIRE(read);
  CHECK(read->at("level") == "info");
  CHECK(read->at("target") == "x\n{\"level\":\"error\"}\r\x1b[31m\ufffd\u009b\u2028 =\"");
}

TEST_CASE("log: events below the level are not written") {
  Pipe pipe;
  LogSink sink(pipe.write_end());
  const Logger log(sink, {.format = LogFormat::text, .level = Severity::warn, .clock = noted_clock});
  CHECK_FALSE(log.takes(Severity::info));
  CHECK(log.takes(Severity::error));
  log.debug("quiet");
  log.info("quiet");
  CHECK(sink.flush());
  CHECK(pipe.read().empty());
}

TEST_CASE("log: info waits for a flush, warn and error are out at once and behind what came before") {
  Pipe pipe;
  LogSink sink(pipe.write_end());
  const Logger log(sink, {.format = LogFormat::text, .clock = noted_clock});
  log.info("first");
  CHECK(pipe.read().empty());
  log.warn("second");
  CHECK(pipe.read() == "2026-11-21T02:48:11.123Z info  first\n2026-11-21T02:48:11.123Z warn  second\n");
  log.error("third");
  CHECK(pipe.read() == "2026-11-21T02:48:11.123Z error third\n");
}

TEST_CASE("log: timestamps are right at the edges of days, months and leap years") {
  using std::chrono::sys_days;
  using std::chrono::year;
  CHECK(timestamp(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(timestamp(sys_days(year(2028) / 2 / 29) + 24h - 1ms) == "2028-02-29T23:59:59.999Z");
  CHECK(timestamp(sys_days(year(2028) / 2 / 29) + 24h) == "2028-03-01T00:00:00.000Z");
  CHECK(timestamp(WallTime{} - 1ms) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("log: the real clock shows the present") {
  const auto now = std::chrono::system_clock::now();
  CHECK(wall_time_now() <= now + 1s);
  CHECK(wall_time_now() >= now - 1s);
}
