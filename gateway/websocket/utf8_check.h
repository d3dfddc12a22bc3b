// Whether bytes that come in pieces are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates,
// nothing above U+10FFFF). Fails at the first byte that no continuation could mend.
#pragma once

#include <cstdint>

#include "base/chunk.h"

namespace postern::websocket {

class Utf8Check {
 public:
  // False when the text so far cannot be the beginning of a well-formed one; to be started anew then.
  bool feed(base::Bytes bytes) {
    for (const std::byte byte : bytes)
      if (!step(static_cast<uint8_t>(byte))) return false;
    return true;
  }
  // Whether the text may end here.
  bool complete() const { return needed_ == 0; }

 private:
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

  uint8_t needed_ = 0;  // continuation bytes still to come
  uint8_t lowest_ = 0x80;
  uint8_t highest_ = 0xbf;  // what the next one may be
};

}  // namespace postern::websocket
