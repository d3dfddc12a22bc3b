#include "base/text_arena.h"

#include <algorithm>

namespace postern::base {

std::string_view TextArena::keep(std::initializer_list<std::string_view> parts) {
  size_t length = 0;
  for (std::string_view part : parts) length += part.size();
  if (length == 0) return "";  // a null pointer would mean that there is no text
  if (current_.room() < length) {
    full_.push(std::move(current_));
    current_ = Chunk::with_capacity(std::max<size_t>(length, 480));
  }
  const char* start = reinterpret_cast<const char*>(current_.end());
  for (std::string_view part : parts) current_.append(bytes_of(part));
  return {start, length};
}

void TextArena::clear() {
  current_ = {};
  full_.clear();
}

}  // namespace postern::base
