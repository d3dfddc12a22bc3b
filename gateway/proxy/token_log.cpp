#include "proxy/token_log.h"

#include <algorithm>

#include "crypto/digest.h"
#include "policy/verified_token.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {
namespace {

constexpr size_t claim_max = 256;  // bytes of a claim; a socket keeps them for its last line

std::string cut(std::string text) {
  if (text.size() <= claim_max) return text;
  size_t size = claim_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;  // in a character
  text.resize(size);
  return text;
}

// A name for the subject that tells nothing to who does not know it: 64 bits of a hash.
std::string hash_of_subject(const policy::VerifiedToken& token) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (token.subject().empty()) return {};
  const std::string issuer = token.claim("iss").value_or(std::string()) + '\n';
  const crypto::Sha256Digest digest = crypto::sha256(issuer, token.subject());
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

}  // namespace

LoggedToken::LoggedToken(const ExchangeState& exchange) {
  const TokenParts& shown = exchange.snapshot().logged_token;
  if (!shown.any() || !exchange.context || !exchange.context->token_judged) return;
  const policy::TokenJudged& judged = *exchange.context->token_judged;
  if (shown.provider) provider_ = judged.provider;
  if (shown.rule) rule_ = judged.rule;
  if (!judged.token) return;
  if (shown.subject) subject_ = cut(std::string(judged.token->subject()));
  if (shown.subject_hash) subject_hash_ = hash_of_subject(*judged.token);
  if (shown.id) id_ = cut(judged.token->claim("jti").value_or(std::string()));
}

void count_token(ExchangeState& exchange) {
  if (!exchange.context || !exchange.context->token_judged) return;
  policy::TokenJudged& judged = *exchange.context->token_judged;
  if (judged.is_counted || (!judged.token && !judged.refused)) return;
  judged.is_counted = true;
  exchange.pin->series.providers[judged.keys]->token(judged.refused);
}

}  // namespace postern::proxy
