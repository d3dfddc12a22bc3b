// Rules for header fields, at the top of a file and in routes.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// In the order in which they are carried out: remove, set, add.
std::vector<FieldRuleDocument> decode_request_rules(const Value& value);
std::vector<FieldRuleDocument> decode_response_rules(const Value& value);

// Text with placeholders, as policy::TextTemplate takes it.
std::optional<std::string> decode_template(const Value& value);

// What to say of a template that has one of nginx's variables: "\"$host\" is sent as it stands; ...". Empty
// where it has none.
std::string foreign_variable(std::string_view text);

}  // namespace postern::config
