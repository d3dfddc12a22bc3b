// The definition of VerifiedToken::Claims, for code that makes such tokens. It is separate so that code that
// only reads claims does not include the JSON library.
#pragma once

#include <string_view>
#include <utility>

#include "base/json.h"
#include "policy/verified_token.h"

namespace postern::policy {

struct VerifiedToken::Claims {
  // `object` is a JSON object.
  explicit Claims(base::Json object) : json(std::move(object)) {}

  base::Json json;
};

// The member of that name in `value`; of a name with dots also a member of a nested object, one name behind
// the other. A member whose own name contains the dots takes precedence. Null: there is none.
const base::Json* find_nested_member(const base::Json& value, std::string_view name);

}  // namespace postern::policy
