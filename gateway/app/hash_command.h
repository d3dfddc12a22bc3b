// `postern hash`: makes the hash of a password for basic_auth.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "crypto/password_hash.h"

namespace postern::app {

// The algorithm of this name; nullopt: there is none that hashes are made with.
std::optional<crypto::PasswordAlgorithm> password_algorithm(std::string_view name);

// Reads a password without showing it: from the terminal, where it is asked for twice, or else the first line
// of the standard input. Returns its hash, or a sentence that says what is wrong, which repeats nothing that
// was read.
tl::expected<std::string, std::string> hash_password_of_input(crypto::PasswordAlgorithm algorithm);

}  // namespace postern::app
