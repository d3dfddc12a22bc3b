#include "config/keys_rate_limits.h"

namespace postern::config {
namespace {

// It gives the burst as well, until a key says otherwise.
struct RequestRate {
  void read_into(const Value& value, RateLimitDocument& limit) const {
    const auto rate = value.parsed(parse_rate);
    if (!rate) return;
    limit.count = limit.burst = rate->count;
    limit.per = rate->per;
  }
  std::string words() const { return "requests per time"; }
  std::string range() const { return "1 to 1000000"; }
  std::string_view unit() const { return "/s, /m or /h"; }
  std::string shown(const RateLimitDocument&) const { return {}; }
  std::string json_schema() const { return string_schema(rate_pattern); }
};

// Whom a bucket is for.
struct CountedBy {
  using By = RateLimitDocument::By;
  void read_into(const Value& value, RateLimitDocument& limit) const {
    if (value.is_scalar()) {
      const auto text = value.text();
      if (!text || *text == "client_address") return;
      if (*text == "route")
        limit.by = By::route;
      else
        value.refuse({"is not client_address, route, { header: NAME } or { claim: NAME }", ""});
      return;
    }
    const Fields fields(value, {"header", "claim"});
    const auto header = fields.take("header");
    const auto claim = fields.take("claim");
    if (fields.is_map() && header.has_value() == claim.has_value())
      return value.complain("needs one of header and claim");
    if (header) {
      limit.by = By::header;
      set(limit.key, header->parsed(parse_header_name));
    }
    if (claim) {
      limit.by = By::claim;
      set(limit.key, claim->text());
    }
  }
  std::string words() const { return "client_address, route, { header: NAME } or { claim: NAME }"; }
  std::string shown(const RateLimitDocument&) const { return "client_address"; }
  std::string json_schema() const {
    return any_of({words_schema({"client_address", "route"}), one_key_schema({"header", "claim"})});
  }
};

}  // namespace

const Keys<RateLimitDocument>& rate_limit_keys() {
  static const auto keys =
      Keys<RateLimitDocument>("rate_limit")
          .key("rate", itself<RateLimitDocument>, RequestRate(),
               "The rate at which requests may come once the burst is used up: 100/s, 10/m or 1000/h. A "
               "request beyond it is answered with 429.")
          .required()
          .example("100/s")
          .key("burst", &RateLimitDocument::burst, number(1, 1'000'000),
               "The number of requests that may come at once. It is exact over all workers; a reload that "
               "changes nothing about the limit keeps its counts.")
          .by_default("the number in rate")
          .example("50")
          .key("by", itself<RateLimitDocument>, CountedBy(),
               "Who gets a count of its own (a token bucket): each client address (an IPv6 client is its "
               "/64), each route, each value of a request header field, or each value of a claim of the "
               "verified token. A request without the header field or claim counts for its client address. "
               "Clients choose their header fields, so use a limit by client_address beside one by header.");
  return keys;
}

}  // namespace postern::config
