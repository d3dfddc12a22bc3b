// Finds secrets that must not appear in a log or on a terminal, by the parameter names that secrets usually
// have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/target.h"  // redact_target()

namespace postern::http {

// Names that are always treated as secrets, in addition to the words that is_secret_name() finds.
const std::vector<std::string>& usual_secret_names();

// Whether the value of a parameter with this name is likely a secret; the name is given as it is written,
// with its escapes. It is one when the name, or a part of it as in "user[token]" and "user.token", is one of
// `names` (ignoring case), and when the name contains a word that is only used for secrets: "password",
// "client_secret", "X-Amz-Signature".
bool is_secret_name(std::string_view written, const std::vector<std::string>& names);

// Returns `text`, a URL or similar, with the user and password before its host replaced by "***" and its
// query redacted. Text that is not a URL is returned unchanged.
std::string redact_url(std::string_view text, const std::vector<std::string>& names);

}  // namespace postern::http
