#include "proxy/certificate_check.h"

#include <string>

#include "base/error.h"
#include "http/target.h"
#include "net/client_verifier.h"

namespace postern::proxy {

using base::Cause;
using http::LocalResponse;

namespace {

LocalResponse refuse(ExchangeState& exchange, Cause cause, std::string detail) {
  exchange.stream.close_after_response();
  return http::refusal(cause, std::move(detail));
}

}  // namespace

base::Result<std::optional<LocalResponse>> check_certificate(ExchangeState& exchange) {
  const http::CertificateFacts& shown = exchange.stream.client().certificate;
  if (!shown.verifier) return std::nullopt;
  if (shown.is_outdated)
    return refuse(exchange, Cause::client_certificate_refused,
                  "the certificate of " + shown.certificate->subject +
                      " was revoked, or its authority was removed, since the connection was opened");
  const auto authority = http::read_authority(exchange.facts.authority);
  const std::string_view host = authority ? authority->host : std::string_view();
  const bool is_missing = !shown.asked || (shown.verifier->required() && !shown.certificate);
  if (is_missing && shown.verifier->asks(host))
    return refuse(exchange, Cause::misdirected_request,
                  "clients of " + std::string(host) +
                      " are asked for certificates, and this connection was opened for another host, or "
                      "before a reload");
  exchange.context->certificate = shown.certificate.get();
  return std::nullopt;
}

}  // namespace postern::proxy
