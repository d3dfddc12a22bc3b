#include "config/decode_streams.h"

#include "config/schema.h"

namespace postern::config {

using std::chrono::hours;
using std::chrono::milliseconds;

void decode_open_limits(const Value& value, std::string_view section, policy::SocketLimits& limits) {
  const Fields fields(value, keys_inside(section));
  const auto read = [&](std::string_view key, uint32_t& member) {
    const auto found = fields.take(key);
    if (!found) return;
    if (found->says_none())
      member = 0;
    else
      set(member, found->number(1, 10'000'000, "none"));
  };
  read("total", limits.all);
  read("per_client", limits.per_client);
  read("per_subject", limits.per_subject);
}

void decode_streams(const Value& value, routing::StreamRules& rules) {
  // Of a route, too: the keys have one place in the schema.
  const Fields fields(value, keys_inside("event_streams"));
  if (const auto interval = fields.take("comment_interval")) {
    if (interval->says_none())
      rules.comment_interval = base::no_limit;
    else
      set(rules.comment_interval, interval->duration(milliseconds(1000), hours(24), "none"));
  }
  if (const auto expiry = fields.take("on_token_expiry"))
    if (const auto index = expiry->one_of({"close", "keep"})) rules.ends_with_token = *index == 0;
  if (const auto open = fields.take("open")) decode_open_limits(*open, "event_streams.open", rules.limits);
}

}  // namespace postern::config
