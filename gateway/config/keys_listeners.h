// The keys of `listeners`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<ListenerDocument>& listener_keys();

// The list of listeners. Limits that a listener does not set are those of the document, which must be read
// before.
struct Listeners {
  void read_into(const Value& value, Document& document) const;
  std::string words() const { return "list"; }
  std::string shown(const Document&) const { return {}; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

// A list of CIDR blocks.
struct Blocks {
  using Type = base::CidrSet;
  std::string_view if_empty{};      // the error for an empty list; empty: it is allowed
  std::string_view if_everybody{};  // the warning for a block of all addresses; empty: no warning
  std::optional<Type> read(const Value& value) const;
  std::string words() const { return "list of CIDR blocks or addresses"; }
  std::string shown(const Type&) const { return "[]"; }
  std::string json_schema() const;
};
// The blocks of peers that are trusted to name the address of a client.
inline Blocks trusted_blocks(std::string_view if_empty = "") {
  return {if_empty, "trusts every client; each may then choose its own address in the log"};
}

// The pattern of a CIDR block or an address.
inline constexpr std::string_view cidr_pattern = "[0-9a-fA-F:.]+(/[0-9]{1,3})?";

}  // namespace postern::config
