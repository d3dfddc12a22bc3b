// Decodes encoded bodies with the libraries' own decoders: the oracle of tests that check what an encoder or
// the whole proxy sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coding/coding.h"

namespace postern::support {

struct Decoded {
  std::string body;       // what can be decoded so far
  bool complete = false;  // the end of the encoded body was reached, and nothing came after it
};

// Returns nothing when the bytes are of another coding or are corrupt.
std::optional<Decoded> decode(coding::Coding coding, std::string_view bytes);

}  // namespace postern::support
