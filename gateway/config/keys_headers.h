// The keys of `request_headers` and `response_headers`, for all routes and on one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/key.h"
#include "policy/text_template.h"

namespace postern::config {

const Keys<std::vector<policy::FieldRule>>& request_header_keys();
const Keys<std::vector<policy::FieldRule>>& response_header_keys();

// Describes what nginx would put in place of a variable ("$host") in `text`. Empty: the text has no such
// variable.
std::string foreign_variable(std::string_view text);

// Reads a text with placeholders; nullopt: it has an error, which has been reported.
std::optional<policy::TextTemplate> read_template(const Value& value);

}  // namespace postern::config
