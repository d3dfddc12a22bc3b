// What the log and the metrics are told of the token of a request, and of the client's certificate.
#pragma once

#include <string>
#include <string_view>

#include "proxy/snapshot.h"
#include "telemetry/access_log.h"

namespace postern::proxy {

struct ExchangeState;

// The parts of a verified token that the lines of one request show, as far as Snapshot::logged_token names
// them. Nothing of a token that was not verified is among them, and never the token itself.
class LoggedToken {
 public:
  // `exchange` must outlive the record.
  explicit LoggedToken(const ExchangeState& exchange);
  // Its texts are valid as long as this object.
  telemetry::TokenRecord record() const { return {provider_, subject_, subject_hash_, id_, rule_}; }

 private:
  std::string_view provider_;
  std::string_view rule_;
  std::string subject_;
  std::string subject_hash_;
  std::string id_;
};

// The parts of the client's certificate that the lines show, as far as Snapshot::logged_certificate names
// them.
class LoggedCertificate {
 public:
  // `exchange` must outlive the record.
  explicit LoggedCertificate(const ExchangeState& exchange);
  // Its texts are valid as long as this object.
  telemetry::CertificateRecord record() const {
    return {subject_, alternative_names_, serial_, fingerprint_};
  }

 private:
  std::string_view subject_;
  std::string alternative_names_;
  std::string_view serial_;
  std::string_view fingerprint_;
};

// Adds to the report of a refusal for this cause why the request's expired token was not exchanged for a
// fresh one, if that was tried. Clients are not told.
void add_exchange_failure(ExchangeState& exchange, base::Cause refused);

// Counts the outcome for the provider of the token, once for each request.
void count_token(ExchangeState& exchange);

}  // namespace postern::proxy
