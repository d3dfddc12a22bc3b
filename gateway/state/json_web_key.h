// Parses one JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). The result is a key, or the
// reason why it cannot be used here.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "base/json.h"
#include "state/key_set.h"

namespace postern::state {

// The error sentence ends with "..., so it is left out" and is appended to "key 3 ("name") "; it contains no
// key material.
tl::expected<VerificationKey, std::string> read_json_web_key(const base::Json& json,
                                                             crypto::AlgorithmSet allowed);

// Returns a kid in printable form: at most 64 characters, printable ASCII only.
std::string printable_key_id(std::string_view id);

}  // namespace postern::state
