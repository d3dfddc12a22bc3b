// The definition of VerifiedToken::Claims, for code that makes such tokens. It is separate so that code that
// only reads claims does not include the JSON library.
#pragma once

#include <utility>

#include "base/json.h"
#include "policy/verified_token.h"

namespace postern::policy {

struct VerifiedToken::Claims {
  // `object` is a JSON object.
  explicit Claims(base::Json object) : json(std::move(object)) {}

  base::Json json;
};

}  // namespace postern::policy
