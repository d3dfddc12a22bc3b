#include "net/connect_reader.h"

#include <algorithm>

#include "base/error.h"

namespace postern::net {
namespace {

constexpr size_t head_size_max = 16 * 1024;
constexpr std::string_view end_of_head = "\r\n\r\n";

// Returns the status of "HTTP/1.1 200 Connection established"; empty when the text does not begin like that.
std::string_view status_of(std::string_view head) {
  constexpr std::string_view version = "HTTP/1.x ";
  const bool is_http = head.size() >= version.size() + 3 && head.starts_with("HTTP/1.") && head[8] == ' ';
  const std::string_view status = is_http ? head.substr(version.size(), 3) : std::string_view();
  const bool is_number =
      std::all_of(status.begin(), status.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? status : std::string_view();
}

}  // namespace

void ConnectReader::on_bytes(base::Bytes bytes) {
  if (connected_.filled()) return;
  const size_t before = head_.size();
  head_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t end = head_.find(end_of_head);
  if (end == head_.npos) {
    if (head_.size() > head_size_max) fail("sent a head of more than 16 KiB");
    return;
  }
  const std::string_view status = status_of(head_);
  if (status.empty()) return fail("did not answer in HTTP");
  if (status.front() != '2') return fail("answered CONNECT with " + std::string(status));
  transport_.pause();
  const size_t used = end + end_of_head.size() - before;
  if (used < bytes.size()) transport_.unread(base::Chunk::copy_of(bytes.subspan(used)));
  connected_.put(true);
}

void ConnectReader::on_end() {
  if (!connected_.filled()) fail("closed the connection");
}

void ConnectReader::fail(std::string words) {
  transport_.pause();
  failure_ = std::move(words);
  connected_.put(base::fail(base::Cause::upstream_unreachable, base::Stage::connect));
}

}  // namespace postern::net
