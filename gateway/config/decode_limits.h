// The `limits` and `log` parts of a file.
#pragma once

#include <cstdint>
#include <optional>

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

void decode_limits(const Value& value, LimitsDocument& limits);
// listeners[].limits and routes[].limits.
void decode_listener_limits(const Value& value, ListenerLimitsDocument& limits);
void decode_transfer_limits(const Value& value, TransferLimitsDocument& limits);
void decode_log(const Value& value, LogDocument& log);

// A size, or `none`, which is 0.
std::optional<uint64_t> decode_body_size(const Value& value);

}  // namespace postern::config
