// The keys of `limits`: at the top level of a file, on a listener and on a route.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// A size, or none. 0 is refused, because it could mean that no body is allowed or that there is no limit.
struct BodySize {
  using Type = uint64_t;
  std::optional<uint64_t> read(const Value& value) const;
  std::string words() const { return "size"; }
  std::string range() const { return "at least 1B"; }
  std::string_view unit() const { return "B, KiB, MiB or GiB"; }
  std::string_view instead() const { return "none"; }
  std::string shown(uint64_t bytes) const { return bytes == 0 ? "none" : size_in_words(bytes); }
  std::string json_schema() const { return size(1, Size::unlimited, none).json_schema(); }
};

const Keys<LimitsDocument>& limit_keys();
const Keys<proxy::ListenerLimits>& listener_limit_keys();
const Keys<routing::RouteLimits>& route_limit_keys();

}  // namespace postern::config
