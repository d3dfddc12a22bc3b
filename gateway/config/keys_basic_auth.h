// The keys of `basic_auth`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<BasicAuthDocument>& basic_auth_keys();
// Those of a route.
const Keys<BasicAuthUse>& basic_auth_use_keys();

// The error for the name of a user; empty: there is none.
std::string_view user_name_problem(std::string_view name);

}  // namespace postern::config
