#include "tunnel/tunnel_facts.h"

#include <string_view>

namespace postern::tunnel {

TunnelFacts::TunnelFacts(const telemetry::TunnelRecord& record, bool logged)
    : handshake_(record.handshake_duration), held_(record.held_duration), logged_(logged) {
  const telemetry::TokenRecord& token = record.token;
  const telemetry::CertificateRecord& certificate = record.certificate;
  const std::array<std::string_view, count> parts = {record.request_id,
                                                     record.client,
                                                     record.host,
                                                     record.target,
                                                     record.route,
                                                     record.upstream,
                                                     record.endpoint,
                                                     record.subprotocol,
                                                     record.rewritten,
                                                     token.provider,
                                                     token.subject,
                                                     token.subject_hash,
                                                     token.id,
                                                     token.rule,
                                                     certificate.subject,
                                                     certificate.alternative_names,
                                                     certificate.serial,
                                                     certificate.fingerprint};
  size_t length = 0;
  for (std::string_view part : parts) length += part.size();
  text_.reserve(length);
  for (size_t i = 0; i < count; ++i) {
    text_ += parts[i];
    ends_[i] = static_cast<uint32_t>(text_.size());
  }
}

telemetry::TunnelRecord TunnelFacts::record() const {
  const auto part = [this](size_t index) {
    const size_t start = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(start, ends_[index] - start);
  };
  telemetry::TunnelRecord record;
  record.request_id = part(0);
  record.client = part(1);
  record.host = part(2);
  record.target = part(3);
  record.route = part(4);
  record.upstream = part(5);
  record.endpoint = part(6);
  record.subprotocol = part(7);
  record.rewritten = part(8);
  record.token = {part(9), part(10), part(11), part(12), part(13)};
  record.certificate = {part(14), part(15), part(16), part(17)};
  record.handshake_duration = handshake_;
  record.held_duration = held_;
  return record;
}

}  // namespace postern::tunnel
