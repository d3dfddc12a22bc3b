#include "proxy/token_log.h"

#include <algorithm>

#include "crypto/digest.h"
#include "policy/client_certificate.h"
#include "policy/token_exchange.h"
#include "policy/verified_token.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {
namespace {

constexpr size_t shown_max = 256;  // bytes of a claim or a name; a socket keeps them for its last line

std::string cut(std::string text) {
  if (text.size() <= shown_max) return text;
  size_t size = shown_max;
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

// The texts of a certificate are ASCII.
LoggedCertificate::LoggedCertificate(const ExchangeState& exchange) {
  const net::ClientCertificate* certificate = exchange.stream.client().certificate.certificate.get();
  if (!certificate) return;
  using policy::CertificateValue;
  const CertificateParts& shown = exchange.snapshot().logged_certificate;
  if (shown.subject) subject_ = std::string_view(certificate->subject).substr(0, shown_max);
  if (shown.alternative_names)
    alternative_names_ =
        certificate_text(CertificateValue::alternative_names, *certificate).substr(0, shown_max);
  if (shown.serial) serial_ = certificate->serial;
  if (shown.fingerprint) fingerprint_ = certificate->fingerprint;
}

void add_exchange_failure(ExchangeState& exchange, base::Cause refused) {
  if (!exchange.context || !exchange.context->exchange) return;
  const policy::TokenExchange& tried = *exchange.context->exchange;
  if (!tried.failure.empty() && tried.refusal.cause == refused)
    exchange.report.detail.append(" It was not exchanged for a fresh one: ").append(tried.failure);
}

void count_token(ExchangeState& exchange) {
  if (!exchange.context || !exchange.context->token_judged) return;
  policy::TokenJudged& judged = *exchange.context->token_judged;
  if (judged.is_counted || (!judged.token && !judged.refused)) return;
  judged.is_counted = true;
  exchange.pin->series.providers[judged.keys]->token(judged.refused);
}

}  // namespace postern::proxy
