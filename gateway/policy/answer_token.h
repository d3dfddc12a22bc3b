// The token in an answer that gives one out: the answer of an application's refresh endpoint. It says where
// such an answer has the token, and reads it from there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "http/headers.h"

namespace postern::policy {

struct AnswerTokenPlace {
  enum class Kind : uint8_t {
    json,  // a string member of the body, which is a JSON object: "access", or "data.access" of a nested one
    cookie,  // the value of a cookie that the answer sets
    header,  // the value of a field, with or without Bearer before it
  };
  Kind kind = Kind::json;
  std::string name{};

  bool operator==(const AnswerTokenPlace&) const = default;
};

// Returns the token of an answer, or why it has none: a clause for the log that repeats nothing of the answer
// ("has no member access"). It is what the answer says and nothing more: whoever uses it verifies it. `body`
// matters for Kind::json only; the caller has limited its size.
tl::expected<std::string, std::string> read_answer_token(const AnswerTokenPlace& place,
                                                         const http::Headers& headers, std::string_view body);

}  // namespace postern::policy
