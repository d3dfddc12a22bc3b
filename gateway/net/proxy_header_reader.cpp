#include "net/proxy_header_reader.h"
#include "base/error.h"

#include <algorithm>

namespace postern::net {
namespace {

constexpr size_t shown_max = 40;  // bytes of an invalid header shown in the log

std::string escaped(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes.substr(0, shown_max)) {
    const auto code = static_cast<uint8_t>(byte);
    if (code >= 0x20 && code < 0x7f && byte != '\\') {
      text += byte;
    } else {
      text += "\\x";
      text += digits[code >> 4];
      text += digits[code & 15];
    }
  }
  if (bytes.size() > shown_max) text += "...";
  return text;
}

}  // namespace

void ProxyHeaderReader::on_bytes(base::Bytes bytes) {
  const size_t used = parser_.feed(bytes);
  if (parser_.state() == ProxyHeaderParser::State::reading) return;
  transport_.pause();
  if (parser_.state() == ProxyHeaderParser::State::invalid) {
    header_.put(base::fail(base::Cause::proxy_header_invalid, base::Stage::accept));
    return;
  }
  if (used < bytes.size()) transport_.unread(base::Chunk::copy_of(bytes.subspan(used)));
  header_.put(parser_.route());
}

void ProxyHeaderReader::on_end() {
  transport_.pause();
  if (header_.filled()) return;
  header_.put(base::fail(parser_.begun() ? base::Cause::proxy_header_invalid : base::Cause::client_closed,
                         base::Stage::accept));
}

std::string ProxyHeaderReader::detail() const {
  if (!parser_.begun()) return "not a byte has come";
  const bool cut = parser_.state() == ProxyHeaderParser::State::reading;
  std::string text(cut ? "the header is not complete" : parser_.fault());
  return text + "; first bytes: " + escaped(parser_.beginning());
}

}  // namespace postern::net
