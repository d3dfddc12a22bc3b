#include "support/log_capture.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace postern::support {

LogCapture::LogCapture()
    : file_(memfd_create("log", MFD_CLOEXEC)),
      sink_(file_.descriptor()),
      access_log_(sink_, telemetry::LogFormat::json),
      logger_(sink_) {
  if (!file_) throw std::runtime_error("no file in memory for the log");
}

std::string LogCapture::text() {
  sink_.flush();
  std::string text;
  std::array<char, 16 * 1024> part;
  for (;;) {
    const ssize_t count =
        pread(file_.descriptor(), part.data(), part.size(), static_cast<off_t>(text.size()));
    if (count <= 0) return text;
    text.append(part.data(), static_cast<size_t>(count));
  }
}

std::vector<base::Json> LogCapture::lines() {
  std::vector<base::Json> lines;
  const std::string all = text();
  for (size_t at = 0; at < all.size();) {
    const size_t end = all.find('\n', at);
    auto line = base::parse_json(std::string_view(all).substr(at, end - at));
    if (!line) throw std::runtime_error("a log line that is no JSON: " + all.substr(at, end - at));
    lines.push_back(std::move(*line));
    at = end + 1;
  }
  return lines;
}

std::vector<base::Json> LogCapture::lines(std::string_view event) {
  std::vector<base::Json> found;
  for (base::Json& line : lines())
    if (line.value("event", std::string()) == event) found.push_back(std::move(line));
  return found;
}

base::Json LogCapture::line(std::string_view event) {
  std::vector<base::Json> found = lines(event);
  if (found.size() != 1)
    throw std::runtime_error("not one line " + std::string(event) + " but " + std::to_string(found.size()) +
                             ":\n" + text());
  return found.front();
}

base::Json LogCapture::last(std::string_view event) {
  std::vector<base::Json> found = lines(event);
  if (found.empty()) throw std::runtime_error("no line " + std::string(event) + " in:\n" + text());
  return found.back();
}

}  // namespace postern::support
