// The first bytes of a message, held back while they may still be those of another protocol: what they are is
// known when they all have come, whatever pieces they come in.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/chunk.h"
#include "base/error.h"

namespace postern::http1 {

struct Signature {
  std::string_view bytes;
  std::string_view detail;  // what it means
  base::Cause cause;
};

class Opening {
 public:
  static constexpr size_t size_max = 12;  // of the longest signature

  // Takes bytes off `input` while what has come begins a signature; gives one that is complete.
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
  // What was taken so far.
  std::string_view held() const { return {held_.data(), size_}; }
  void clear() { size_ = 0; }

 private:
  std::array<char, size_max> held_;
  size_t size_ = 0;
};

}  // namespace postern::http1
