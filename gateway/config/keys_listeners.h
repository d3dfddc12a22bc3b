// The keys of `listeners`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<ListenerDocument>& listener_keys();

// What a listener does not say of its limits, it has from those of the document, which are read before.
struct Listeners {
  void read_into(const Value& value, Document& document) const;
  std::string words() const { return "list"; }
  std::string shown(const Document&) const { return {}; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

// A list of CIDR blocks. One that holds every address is good, and warned of.
struct TrustedBlocks {
  std::string_view if_empty{};
  std::vector<std::pair<std::string, SourceLocation>> blocks(const Value& value) const;
  std::string words() const { return "list of CIDR blocks or addresses"; }
  std::string json_schema() const;
};

// The pattern of a CIDR block or an address.
inline constexpr std::string_view cidr_pattern = "[0-9a-fA-F:.]+(/[0-9]{1,3})?";

}  // namespace postern::config
