#include "config/keys_rate_limits.h"

namespace postern::config {
namespace {

// The rate also sets the burst, unless the file has the key `burst`.
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

// Reads the single values of `by`: client_address and route.
void read_counted_by(const Value& value, RateLimitDocument& limit) {
  const auto text = value.text();
  if (!text || *text == "client_address") return;
  if (*text == "route")
    limit.by = RateLimitDocument::By::route;
  else
    value.refuse({"is not client_address, route, { header: NAME } or { claim: NAME }", ""});
}

void read_header(const Value& value, RateLimitDocument& limit) {
  limit.by = RateLimitDocument::By::header;
  set(limit.key, value.parsed(parse_header_name));
}

void read_claim(const Value& value, RateLimitDocument& limit) {
  limit.by = RateLimitDocument::By::claim;
  set(limit.key, value.text());
}

const Keys<RateLimitDocument>& counted_by_keys() {
  static const auto keys =
      Keys<RateLimitDocument>("rate_limit_by")
          .key("header", itself<RateLimitDocument>,
               custom(read_header, "header name", scalar_schema(), "none"),
               "The request header field each of whose values has a count of its own.")
          .key("claim", itself<RateLimitDocument>,
               custom(read_claim, "name of a claim", scalar_schema(), "none"),
               "The claim of the verified token each of whose values has a count of its own.")
          .exactly_one("needs one of header and claim");
  return keys;
}

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
          .key("by", itself<RateLimitDocument>,
               value_or_map(read_counted_by, counted_by_keys,
                            "client_address, route, { header: NAME } or { claim: NAME }",
                            words_schema({"client_address", "route"}), "client_address"),
               "Who gets a count of its own (a token bucket): each client address (an IPv6 client is its "
               "/64), each route, each value of a request header field, or each value of a claim of the "
               "verified token. A request without the header field or claim counts for its client address. "
               "Clients choose their header fields, so use a limit by client_address beside one by header.")
          .folded()
          .example("client_address")
          .key("report_only", &RateLimitDocument::report_only, boolean(),
               "Whether requests beyond the limit pass. They are logged (would_refuse) and counted "
               "(postern_would_refuse_total), and no response tells of the limit.");
  return keys;
}

}  // namespace postern::config
