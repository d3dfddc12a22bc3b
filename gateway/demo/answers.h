// What the demonstration's endpoints say, as values: no connection, no time of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/hmac.h"
#include "http/head.h"
#include "http/local_response.h"

namespace postern::demo {

http::LocalResponse page_answer();

// GET /api/hello: the request as it arrived here: method, host, X-Forwarded-* and X-Request-Id.
http::LocalResponse hello_answer(const http::RequestHead& request);

// GET /api/private: the X-User-Id that arrived, or null. Whether anybody may ask is the gateway's business.
http::LocalResponse private_answer(const http::RequestHead& request);

// POST /api/token: a token for five minutes from `now_unix` (seconds), or one that ran out an hour ago.
enum class TokenAge : uint8_t { fresh, expired };
http::LocalResponse token_answer(const crypto::HmacKey& key, int64_t now_unix, TokenAge age);

// {"error": …, "message": …}
http::LocalResponse problem_answer(uint16_t status, std::string_view error, std::string_view message);
http::LocalResponse problem_answer(base::Cause cause);  // as the error table has it

// {"tick": 1, "time": "Sun, 06 Nov 1994 08:49:37 GMT"}: an event's data, and a message of the ticker.
std::string tick_text(uint64_t number, int64_t now_unix);

}  // namespace postern::demo
