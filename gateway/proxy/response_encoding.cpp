#include "proxy/response_encoding.h"

namespace postern::proxy {

coding::Request read_encodings(const ExchangeState& exchange) {
  coding::Request encodings;
  if (!exchange.route->compression) return encodings;
  const http::Headers& headers = exchange.stream.request().headers;
  encodings.accepted = coding::Accepted::read(headers);
  const http::HeaderField* held = headers.find("If-None-Match");
  if (held) encodings.if_none_match = held->value;
  return encodings;
}

std::optional<uint64_t> known_size(Attempt& attempt, http::Method method) {
  if (attempt.head.body == http::BodyKind::length) return attempt.head.content_length;
  if (method == http::Method::head) return std::nullopt;
  base::Channel& body = attempt.lease->response_body();
  if (body.closed() && !body.aborted()) return body.bytes();
  return std::nullopt;
}

std::unique_ptr<coding::Encoder> begin_encoding(const ExchangeState& exchange,
                                                const coding::Request& encodings,
                                                std::optional<uint64_t> size, http::ResponseHead& head) {
  const auto& rules = exchange.route->compression;
  if (!rules) return nullptr;
  const coding::Coding coding = coding::negotiate(*rules, encodings, size, head);
  if (coding == coding::Coding::identity || exchange.stream.request().method == http::Method::head)
    return nullptr;
  return coding::make_encoder(coding, rules->levels, size);
}

}  // namespace postern::proxy
