// What must not stand in a log or on a terminal, found by the names that secrets are known to have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/target.h"  // redact_target()

namespace postern::http {

// Names that are taken for secrets without being named by anyone, besides the words that is_secret_name()
// finds.
const std::vector<std::string>& usual_secret_names();

// Is the value of a parameter with this name (as it is written, escapes and all) likely a secret? It is where
// the name, or a part of it as in "user[token]" and "user.token", is one of `names` (case-insensitive), and
// where it holds a word that stands for nothing else: "password", "client_secret", "X-Amz-Signature".
bool is_secret_name(std::string_view written, const std::vector<std::string>& names);

// `text`, a URL or something near it, with the user and password in front of its host replaced by "***", and
// its query redacted. Text that is no URL stays as it is.
std::string redact_url(std::string_view text, const std::vector<std::string>& names);

}  // namespace postern::http
