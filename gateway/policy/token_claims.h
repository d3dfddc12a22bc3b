// The inside of a VerifiedToken, for those who make one. Kept apart so that the many who only ask for claims
// do not read the JSON library.
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
