#include "telemetry/log_sink.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace postern::telemetry;
using namespace std::chrono_literals;
using postern::base::Instant;

namespace {

WallTime noted_clock() {
  return std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 2h + 48min + 11s + 123ms;
}

LogSink::Options small_options(size_t capacity) {
  return {.format = LogFormat::text, .clock = noted_clock, .write_size = 64 * 1024, .capacity = capacity};
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "postern_log_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) { REQUIRE(descriptor >= 0); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  // Reads everything that is available now.
  std::string read_available() const {
    ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
    std::string result;
    std::array<char, 16384> buffer{};
    for (ssize_t count = 0; (count = ::read(descriptor_, buffer.data(), buffer.size())) > 0;)
      result.append(buffer.data(), static_cast<size_t>(count));
    return result;
  }

 private:
  int descriptor_;
};

struct Ends {
  Descriptor reader;
  Descriptor writer;
};

// A blocking pipe, like an inherited standard output.
Ends make_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Lines "0 ....", "1 ....": all of the same length, and each contains its number.
std::string numbered(size_t number, size_t size) {
  std::string line = std::to_string(number) + " ";
  line.resize(size - 1, '.');
  return line + "\n";
}

// Writes `count` numbered lines to a sink whose reader is slow, reads everything at the end, and checks that
// the lines are whole, in order, and followed by one line with the number of lost lines.
void check_slow_reader(LogSink& sink, const Descriptor& reader, size_t count) {
  ::fcntl(reader.get(), F_SETPIPE_SZ, 64 * 1024);  // too small for all lines; has no effect on a socket
  constexpr size_t size = 1000;
  for (size_t i = 0; i < count; ++i) sink.write(numbered(i, size));
  CHECK_FALSE(sink.flush());
  const uint64_t lost = sink.lines_lost();
  REQUIRE(lost > 0);
  REQUIRE(lost < count);

  std::string text;
  for (int round = 0; round < 1000 && !sink.flush(); ++round) text += reader.read_available();
  sink.write("afterwards\n", Urgency::at_once);
  text += reader.read_available();

  const std::vector<std::string> lines = lines_of(text);
  REQUIRE(lines.size() == count - lost + 2);
  for (size_t i = 0; i < count - lost; ++i) REQUIRE(lines[i] + "\n" == numbered(i, size));
  CHECK(lines[count - lost] == "2026-11-21T02:48:11.123Z warn  log_lines_lost lines=" + std::to_string(lost));
  CHECK(lines.back() == "afterwards");
  CHECK(sink.lines_lost() == lost);
}

}  // namespace

TEST_CASE("log sink: buffered lines wait, urgent ones take them along") {
  const Folder folder;
  LogSink sink(STDOUT_FILENO);
  REQUIRE_FALSE(sink.open_file(folder.file("log")));
  sink.write("one\n");
  sink.write("two\n");
  CHECK(content_of(folder.file("log")).empty());
  sink.write("three\n", Urgency::at_once);
  CHECK(content_of(folder.file("log")) == "one\ntwo\nthree\n");
}

TEST_CASE("log sink: a full buffer is written without being asked") {
  const Folder folder;
  LogSink sink(STDOUT_FILENO);
  REQUIRE_FALSE(sink.open_file(folder.file("log")));
  const std::string line = numbered(0, 1024);
  for (int i = 0; i < 63; ++i) sink.write(line);
  CHECK(content_of(folder.file("log")).empty());
  sink.write(line);
  CHECK(content_of(folder.file("log")).size() == 64 * 1024);
}

TEST_CASE("log sink: what waits is written when the sink ends") {
  const Folder folder;
  {
    LogSink sink(STDOUT_FILENO);
    REQUIRE_FALSE(sink.open_file(folder.file("log")));
    sink.write("last words\n");
  }
  CHECK(content_of(folder.file("log")) == "last words\n");
}

TEST_CASE("log sink: a file is continued, readable by owner and group only") {
  const Folder folder;
  for (const char* line : {"first\n", "second\n"}) {
    LogSink sink(STDOUT_FILENO);
    REQUIRE_FALSE(sink.open_file(folder.file("log")));
    sink.write(line);
  }
  CHECK(content_of(folder.file("log")) == "first\nsecond\n");
  struct stat status {};
  REQUIRE(::stat(folder.file("log").c_str(), &status) == 0);
  CHECK((status.st_mode & 07) == 0);
}

TEST_CASE("log sink: old lines are flushed by the timer's call, young ones are not") {
  const Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get());
  const Instant start{1h};
  sink.flush_if_older_than(start, 50ms);
  sink.write("line\n");
  sink.flush_if_older_than(start + 49ms, 50ms);
  CHECK(pipe.reader.read_available().empty());
  sink.flush_if_older_than(start + 50ms, 50ms);
  CHECK(pipe.reader.read_available() == "line\n");
  sink.write("next\n");
  sink.flush_if_older_than(start + 99ms, 50ms);
  CHECK(pipe.reader.read_available().empty());
  sink.flush_if_older_than(start + 100ms, 50ms);
  CHECK(pipe.reader.read_available() == "next\n");
}

TEST_CASE("log sink: lines are flushed sooner where somebody may be waiting for them") {
  const Folder folder;
  const Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get());
  CHECK(sink.flush_age() == 50ms);
  REQUIRE_FALSE(sink.open_file(folder.file("log")));
  CHECK(sink.flush_age() == 1s);
}

TEST_CASE("log sink: after a rotation old lines are in the old file and new ones in the new") {
  const Folder folder;
  LogSink sink(STDOUT_FILENO);
  REQUIRE_FALSE(sink.open_file(folder.file("log")));
  sink.write("one\n", Urgency::at_once);
  sink.write("two\n");
  std::filesystem::rename(folder.file("log"), folder.file("log.1"));
  sink.write("three\n");
  CHECK_FALSE(sink.reopen());
  sink.write("four\n", Urgency::at_once);
  CHECK(content_of(folder.file("log.1")) == "one\ntwo\nthree\n");
  CHECK(content_of(folder.file("log")) == "four\n");
}

TEST_CASE("log sink: a file that cannot be opened again stays in use, and the log says so") {
  const Folder folder;
  std::filesystem::create_directory(folder.file("logs"));
  LogSink sink(STDOUT_FILENO, small_options(1024 * 1024));
  REQUIRE_FALSE(sink.open_file(folder.file("logs/log")));
  std::filesystem::rename(folder.file("logs"), folder.file("moved"));
  CHECK(sink.reopen() == std::errc::no_such_file_or_directory);
  sink.write("still here\n", Urgency::at_once);
  CHECK(content_of(folder.file("moved/log")) ==
        "2026-11-21T02:48:11.123Z error log_reopen_failed path=" + folder.file("logs/log") +
            " reason=\"No such file or directory\"\nstill here\n");
}

TEST_CASE("log sink: a file that cannot be opened at first leaves the output as it was") {
  const Folder folder;
  const Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get());
  CHECK(sink.open_file(folder.file("missing/log")) == std::errc::no_such_file_or_directory);
  sink.write("line\n", Urgency::at_once);
  CHECK(pipe.reader.read_available() == "line\n");
  CHECK_FALSE(sink.reopen());
}

TEST_CASE("log sink: a full disk loses only what finds no room, and nothing of what comes after") {
  const Folder folder;
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  LogSink sink(full.get(), small_options(100));
  for (size_t i = 0; i < 20; ++i) sink.write(numbered(i, 10), Urgency::at_once);
  CHECK_FALSE(sink.flush());
  CHECK(sink.lines_lost() == 10);

  // Room again: here because the lines go to another file from now on.
  REQUIRE_FALSE(sink.open_file(folder.file("log")));
  sink.write("afterwards\n", Urgency::at_once);
  std::string expected;
  for (size_t i = 0; i < 10; ++i) expected += numbered(i, 10);
  CHECK(content_of(folder.file("log")) ==
        expected + "2026-11-21T02:48:11.123Z warn  log_lines_lost lines=10\nafterwards\n");
}

TEST_CASE("log sink: a reader that is gone neither ends nor blocks the process") {
  Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get(), small_options(1000));
  sink.write("heard\n", Urgency::at_once);
  CHECK(pipe.reader.read_available() == "heard\n");
  pipe.reader.close();
  for (size_t i = 0; i < 200; ++i) sink.write(numbered(i, 100), Urgency::at_once);
  CHECK_FALSE(sink.flush());
  CHECK(sink.lines_lost() == 190);
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  CHECK(::sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("log sink: a reader that comes after one that left begins with a whole line") {
  const Folder folder;
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  Descriptor first(::open(folder.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  LogSink sink(STDOUT_FILENO, small_options(1024 * 1024));
  REQUIRE_FALSE(sink.open_file(folder.file("fifo")));
  constexpr size_t size = 1000;
  constexpr size_t count = 100;  // more than a pipe holds
  for (size_t i = 0; i < count; ++i) sink.write(numbered(i, size));
  CHECK_FALSE(sink.flush());
  const size_t held = first.read_available().size();
  REQUIRE(held % size != 0);
  first.close();
  CHECK_FALSE(sink.flush());

  const Descriptor second(::open(folder.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CHECK(sink.flush());
  std::string expected;
  for (size_t i = held / size; i < count; ++i) expected += numbered(i, size);
  CHECK(second.read_available() == expected);
  CHECK(sink.lines_lost() == 0);
}

TEST_CASE("log sink: a slow reader of a pipe costs lines, never time") {
  const Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get(), small_options(256 * 1024));
  check_slow_reader(sink, pipe.reader, 1000);
  // The sink's own descriptor became non-blocking, not the one that is shared with others.
  CHECK((::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("log sink: a slow reader of a pipe that cannot be opened once more costs lines, never time") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Descriptor writer(ends[1]);
  ::close(ends[0]);  // without a reader, the kernel refuses to open the pipe a second time
  LogSink sink(writer.get(), small_options(256 * 1024));
  const std::string name = "/proc/self/fd/" + std::to_string(writer.get());
  const Descriptor reader(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  check_slow_reader(sink, reader, 1000);
}

TEST_CASE("log sink: a slow reader of a socket costs lines, never time") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  LogSink sink(writer.get(), small_options(256 * 1024));
  check_slow_reader(sink, reader, 2000);
}

TEST_CASE("log sink: a line longer than the whole buffer is lost and counted") {
  const Ends pipe = make_pipe();
  LogSink sink(pipe.writer.get(), small_options(1000));
  sink.write(numbered(0, 1001));
  sink.write("fits\n");
  CHECK(sink.flush());
  CHECK(pipe.reader.read_available() == "2026-11-21T02:48:11.123Z warn  log_lines_lost lines=1\nfits\n");
}

TEST_CASE("log sink: lines of several threads are whole, each thread's in its order, across rotations") {
  constexpr size_t writers = 2;
  constexpr size_t count = 3000;
  constexpr size_t rotations = 5;
  const Folder folder;
  {
    LogSink sink(STDOUT_FILENO);
    REQUIRE_FALSE(sink.open_file(folder.file("log")));
    std::vector<std::jthread> threads;
    for (size_t writer = 0; writer < writers; ++writer) {
      threads.emplace_back([&sink, writer] {
        const std::string padding(50 + writer * 30, static_cast<char>('a' + writer));
        for (size_t i = 0; i < count; ++i) {
          sink.write(std::to_string(writer) + " " + std::to_string(i) + " " + padding + "\n",
                     i % 100 == 0 ? Urgency::at_once : Urgency::buffered);
          if (i % 50 == 0) sink.flush_if_older_than(Instant{i * 1ms}, 100ms);
        }
      });
    }
    for (size_t i = 0; i < rotations; ++i) {
      std::filesystem::rename(folder.file("log"), folder.file("log." + std::to_string(i)));
      CHECK_FALSE(sink.reopen());
    }
  }
  std::string all;
  for (size_t i = 0; i < rotations; ++i) all += content_of(folder.file("log." + std::to_string(i)));
  all += content_of(folder.file("log"));
  std::array<size_t, writers> next{};
  for (const std::string& line : lines_of(all)) {
    const size_t writer = static_cast<size_t>(line[0] - '0');
    REQUIRE(writer < writers);
    const std::string padding(50 + writer * 30, static_cast<char>('a' + writer));
    REQUIRE(line == std::to_string(writer) + " " + std::to_string(next[writer]++) + " " + padding);
  }
  for (const size_t seen : next) CHECK(seen == count);
}
