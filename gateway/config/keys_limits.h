// The keys of `limits`: at the top of a file, of a listener and of a route.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// A size or none. 0 would refuse every body, or none, and is refused.
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
