// One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037 section 2): from its JSON object to a key, or to
// the reason why it cannot be used here.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "base/json.h"
#include "policy/key_set.h"

namespace postern::policy {

// The sentence ends "..., so it is left out" when put behind "key 3 ("name") "; it carries no key material.
tl::expected<VerificationKey, std::string> read_json_web_key(const base::Json& json,
                                                             crypto::AlgorithmSet allowed);

// A kid as it may be printed: at most 64 characters, printable ASCII only.
std::string printable_key_id(std::string_view id);

}  // namespace postern::policy
