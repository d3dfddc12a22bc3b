// Validates UTF-8 that arrives in pieces (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF). It fails at the first byte after which no continuation could be valid.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/chunk.h"

namespace postern::websocket {

class Utf8Check {
 public:
  // Returns false when the text so far is not the beginning of a well-formed text; the check must then be
  // replaced by a new one.
  bool feed(base::Bytes bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
      if (needed_ == 0) at += ascii_words(bytes.subspan(at));
      if (at < bytes.size() && !step(static_cast<uint8_t>(bytes[at++]))) return false;
    }
    return true;
  }
  // Whether the text may end at this point.
  bool complete() const { return needed_ == 0; }

 private:
  // Counts the bytes at the beginning that are ASCII, in whole words of eight.
  static size_t ascii_words(base::Bytes bytes) {
    size_t at = 0;
    for (uint64_t word = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
      std::memcpy(&word, bytes.data() + at, sizeof word);
      if ((word & 0x8080808080808080ull) != 0) break;
    }
    return at;
  }

  bool step(uint8_t octet) {
    if (needed_ > 0) {
      if (octet < lowest_ || octet > highest_) return false;
      --needed_;
      lowest_ = 0x80;
      highest_ = 0xbf;
      return true;
    }
    if (octet < 0x80) return true;
    if (octet < 0xc2 || octet > 0xf4) return false;
    needed_ = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
    if (octet == 0xe0) lowest_ = 0xa0;   // else overlong
    if (octet == 0xed) highest_ = 0x9f;  // else a surrogate
    if (octet == 0xf0) lowest_ = 0x90;   // else overlong
    if (octet == 0xf4) highest_ = 0x8f;  // else above U+10FFFF
    return true;
  }

  uint8_t needed_ = 0;  // continuation bytes that have not arrived
  uint8_t lowest_ = 0x80;
  uint8_t highest_ = 0xbf;  // upper bound of the next continuation byte
};

inline bool is_utf8(std::string_view text) {
  Utf8Check check;
  return check.feed(base::bytes_of(text)) && check.complete();
}

}  // namespace postern::websocket
