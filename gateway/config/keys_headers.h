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

// What nginx would put in place of a variable ("$host") in `text`, in words; empty: it has none.
std::string foreign_variable(std::string_view text);

// A text with placeholders; nothing: it has been said why it is none.
std::optional<policy::TextTemplate> read_template(const Value& value);

}  // namespace postern::config
