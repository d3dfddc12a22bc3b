#include "websocket/json_dialect.h"

namespace postern::websocket {
namespace {

// Made in place: a text without escapes costs no move of a string.
Dialect::Found text_of(base::JsonFound& found) {
  Dialect::Found text(tl::in_place, std::in_place);
  (*text)->raw = found.raw;
  if (!found.decoded.empty()) (*text)->decoded = std::move(found.decoded);
  return text;
}

}  // namespace

// A part is a string; what else stands there is none.
Dialect::Found JsonDialect::find(Part part, std::string_view message) const {
  if (part == Part::room) return std::nullopt;
  const std::optional<base::JsonPath>& path = part == Part::type ? type_ : key_;
  if (!path) return std::nullopt;
  tl::expected<base::JsonFound, std::string_view> found = base::find_in_json(message, *path);
  if (!found) return tl::unexpected(found.error());
  if (!found->is_string) return std::nullopt;
  return text_of(*found);
}

}  // namespace postern::websocket
