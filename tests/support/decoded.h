// Encoded bodies read back with the libraries' own decoders: the oracle of tests that look at what an encoder
// or the whole proxy sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coding/coding.h"

namespace postern::support {

struct Decoded {
  std::string body;       // what can be read so far
  bool complete = false;  // the end of the encoded body was reached, and nothing came after it
};

// Nothing when the bytes are not of that coding at all, or are broken.
std::optional<Decoded> decode(coding::Coding coding, std::string_view bytes);

}  // namespace postern::support
