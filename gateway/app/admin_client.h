// Asks the admin listener of a running gateway, for commands.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "config/document.h"

namespace postern::app {

struct AdminAnswer {
  uint16_t status = 0;
  std::string body;
};

// Posts JSON to the admin listener that `document` names, and blocks until its answer is there, at most some
// seconds. The error is a sentence.
tl::expected<AdminAnswer, std::string> post_to_admin(const config::Document& document,
                                                     const std::string& path, const std::string& json);

}  // namespace postern::app
