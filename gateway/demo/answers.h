// The answers of the demo application's endpoints, as values that depend on neither a connection nor a clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error_fwd.h"
#include "crypto/hmac.h"
#include "http/head.h"
#include "http/local_response.h"

namespace postern::demo {

http::LocalResponse page_answer();

// GET /api/hello: shows the request as it arrived: method, host, X-Forwarded-* and X-Request-Id.
http::LocalResponse hello_answer(const http::RequestHead& request);

// GET /api/private: shows the X-User-Id that arrived, or null. The gateway decides who may ask.
http::LocalResponse private_answer(const http::RequestHead& request);

// POST /api/token: a token that is valid for five minutes from `now_unix` (seconds), or one that expired an
// hour ago.
enum class TokenAge : uint8_t { fresh, expired };
http::LocalResponse token_answer(const crypto::HmacKey& key, int64_t now_unix, TokenAge age);

// {"error": …, "message": …}
http::LocalResponse problem_answer(uint16_t status, std::string_view error, std::string_view message);
http::LocalResponse problem_answer(base::Cause cause);  // with the texts of the error table

// {"tick": 1, "time": "Sun, 06 Nov 1994 08:49:37 GMT"}: the data of an event, and a message of the ticker.
std::string tick_text(uint64_t number, int64_t now_unix);

}  // namespace postern::demo
