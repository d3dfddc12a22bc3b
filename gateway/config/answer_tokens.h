// The place of the token in the answer of a refresh endpoint, as sections of the file name it.
#pragma once

#include "config/key.h"
#include "policy/answer_token.h"

namespace postern::config {

// A member of the JSON of the answer, { cookie: NAME } or { header: NAME }. A key of this kind needs a
// description and an example of its own.
ValueOrMap<policy::AnswerTokenPlace> answer_token();

}  // namespace postern::config
