// Holds back the first bytes of a message while they may still begin another protocol. The result does not
// depend on the pieces that the bytes come in.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/chunk.h"
#include "base/error_fwd.h"

namespace postern::http1 {

struct Signature {
  std::string_view bytes;
  std::string_view detail;  // describes the other protocol
  base::Cause cause;
};

class Opening {
 public:
  static constexpr size_t size_max = 12;  // bytes of the longest signature

  // Removes bytes from `input` while the received bytes are the beginning of a signature; returns a signature
  // that is complete.
  const Signature* feed(base::Bytes& input, std::span<const Signature> signatures) {
    while (!input.empty()) {
      held_[size_] = static_cast<char>(input.front());
      const std::string_view come(held_.data(), size_ + 1);
      const auto begins = [come](const Signature& one) { return one.bytes.starts_with(come); };
      const auto found = std::find_if(signatures.begin(), signatures.end(), begins);
      if (found == signatures.end()) break;
      if (found->bytes == come) return &*found;
      ++size_;
      input = input.subspan(1);
    }
    return nullptr;
  }
  // The bytes that were removed so far.
  std::string_view held() const { return {held_.data(), size_}; }
  void clear() { size_ = 0; }

 private:
  std::array<char, size_max> held_;
  size_t size_ = 0;
};

}  // namespace postern::http1
