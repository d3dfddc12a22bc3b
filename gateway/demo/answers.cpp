#include "demo/answers.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/json.h"
#include "demo/page.h"
#include "http/date.h"
#include "policy/jwt_signer.h"

namespace postern::demo {
namespace {

using base::Json;

constexpr int64_t token_lifetime = 300;  // seconds
constexpr int64_t long_ago = 3600;
constexpr std::string_view forwarded_prefix = "x-forwarded-";

http::LocalResponse json_answer(uint16_t status, const Json& value) {
  http::LocalResponse answer;
  answer.status = status;
  answer.headers.emplace_back("Content-Type", "application/json");
  answer.headers.emplace_back("Cache-Control", "no-store");
  answer.body = base::write_json(value) + "\n";
  return answer;
}

// The field's value, or JSON null.
Json field(const http::RequestHead& request, std::string_view name) {
  const http::HeaderField* found = request.headers.find(name);
  return found ? Json(std::string(found->value)) : Json();
}

}  // namespace

http::LocalResponse page_answer() {
  http::LocalResponse answer;
  answer.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  answer.headers.emplace_back("Cache-Control", "no-cache");
  answer.body = page();
  return answer;
}

http::LocalResponse hello_answer(const http::RequestHead& request) {
  Json value = {{"message", "Hello from the demo application"},
                {"method", std::string(request.method_text)},
                {"host", std::string(request.authority)},
                {"x-request-id", field(request, "x-request-id")}};
  for (const http::HeaderField& given : request.headers) {
    std::string name = base::to_lower(given.name);
    if (!name.starts_with(forwarded_prefix)) continue;
    Json& shown = value[std::move(name)];
    if (shown.is_string())
      shown = shown.get_ref<const std::string&>() + ", " + std::string(given.value);
    else
      shown = std::string(given.value);
  }
  return json_answer(200, value);
}

http::LocalResponse private_answer(const http::RequestHead& request) {
  const Json value = {{"message", "What the gateway says about who is calling"},
                      {"x-user-id", field(request, "x-user-id")},
                      {"x-request-id", field(request, "x-request-id")}};
  return json_answer(200, value);
}

http::LocalResponse token_answer(const crypto::HmacKey& key, int64_t now_unix, TokenAge age) {
  const int64_t expires = age == TokenAge::fresh ? now_unix + token_lifetime : now_unix - long_ago;
  const Json claims = {{"iss", "postern-demo"},
                       {"aud", "demo"},
                       {"sub", "demo-user"},
                       {"iat", expires - token_lifetime},
                       {"exp", expires}};
  const Json value = {{"token", policy::sign_jwt(key, claims)}, {"expires_in", expires - now_unix}};
  return json_answer(200, value);
}

http::LocalResponse problem_answer(uint16_t status, std::string_view error, std::string_view message) {
  const Json value = {{"error", std::string(error)}, {"message", std::string(message)}};
  return json_answer(status, value);
}

http::LocalResponse problem_answer(base::Cause cause) {
  const base::ErrorTraits& traits = base::traits(cause);
  return problem_answer(traits.status, traits.label, traits.meaning);
}

std::string tick_text(uint64_t number, int64_t now_unix) {
  const Json value = {{"tick", number}, {"time", std::string(http::imf_fixdate(now_unix))}};
  return base::write_json(value);
}

}  // namespace postern::demo
