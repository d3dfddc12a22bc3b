#include "policy/token_refusal.h"

#include <string_view>
#include <utility>

#include "base/error.h"
#include "policy/printable.h"

namespace postern::policy {
namespace {

// Returns the detail with only those characters that RFC 6750 3 allows between quotes.
std::string description(std::string_view detail) {
  std::string text = printable(detail);
  for (char& c : text)
    if (c == '"' || c == '\\') c = '\'';
  return text;
}

}  // namespace

http::LocalResponse token_refusal(base::Cause cause, std::string detail) {
  if (cause == base::Cause::keys_unavailable) {  // nothing is known against the token
    http::LocalResponse response = http::refusal(cause, std::move(detail));
    response.headers.emplace_back("Retry-After", "5");
    return response;
  }
  std::string challenge = "Bearer realm=\"postern\"";
  if (cause != base::Cause::token_missing) {
    const bool genuine = cause == base::Cause::token_claims || cause == base::Cause::claims_refused;
    challenge += genuine ? ", error=\"insufficient_scope\"" : ", error=\"invalid_token\"";
    challenge += ", error_description=\"" + description(detail) + '"';
  }
  http::LocalResponse response = http::refusal(cause, std::move(detail));
  response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return response;
}

}  // namespace postern::policy
