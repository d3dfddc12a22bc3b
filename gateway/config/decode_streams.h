// The event_streams section, for all routes or for one.
#pragma once

#include "config/fields.h"
#include "routing/stream_rules.h"

namespace postern::config {

// Changes what is said; the rest of `rules` stays.
void decode_streams(const Value& value, routing::StreamRules& rules);

// { total, per_client, per_subject }; `keys` is their section in the schema.
void decode_open_limits(const Value& value, std::string_view section, policy::SocketLimits& limits);

}  // namespace postern::config
