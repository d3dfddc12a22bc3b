#include "config/decode_rate_limits.h"

#include <string>

namespace postern::config {
namespace {

constexpr std::size_t max_rate_limits = 64;  // each may take a mebibyte
constexpr uint64_t max_burst = 1'000'000;

void decode_by(const Value& value, RateLimitDocument& limit) {
  if (value.is_scalar()) {
    const auto text = value.text();
    if (!text || *text == "client_address") return;
    if (*text == "route")
      limit.by = RateLimitDocument::By::route;
    else
      value.refuse({"is not client_address, route, { header: NAME } or { claim: NAME }", ""});
    return;
  }
  const Fields fields(value, {"header", "claim"});
  const auto header = fields.take("header");
  const auto claim = fields.take("claim");
  if (fields.is_map() && header.has_value() == claim.has_value()) {
    value.complain("needs one of header and claim");
    return;
  }
  if (header) {
    limit.by = RateLimitDocument::By::header;
    set(limit.key, header->parsed(parse_header_name));
  }
  if (claim) {
    limit.by = RateLimitDocument::By::claim;
    set(limit.key, claim->text());
  }
}

RateLimitDocument decode_rate_limit(const std::string& name, const Value& value) {
  const Fields fields(value);
  RateLimitDocument limit;
  limit.name = name;
  if (const auto rate = fields.need("rate")) {
    if (const auto read = rate->parsed(parse_rate)) {
      limit.count = limit.burst = read->count;
      limit.per = read->per;
    }
  }
  if (const auto burst = fields.take("burst")) set(limit.burst, burst->number(1, max_burst));
  if (const auto by = fields.take("by")) decode_by(*by, limit);
  return limit;
}

}  // namespace

void decode_rate_limits(const Value& value, Document& document) {
  for (const auto& [key, entry] : value.entries()) {
    check_name(key, entry);
    if (document.rate_limits.size() == max_rate_limits) {
      value.complain("has more than " + std::to_string(max_rate_limits) + " names");
      return;
    }
    RateLimitDocument limit = decode_rate_limit(key.text, entry);
    limit.location = key.location;
    document.rate_limits.push_back(std::move(limit));
  }
}

}  // namespace postern::config
