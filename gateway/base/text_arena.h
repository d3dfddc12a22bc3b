// Storage for text that must exist as long as the arena: heads keep their field values here. It is a bump
// allocator in pooled memory; nothing is freed before the arena. For one thread only.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/chunk.h"

namespace postern::base {

class TextArena {
 public:
  // Returns a copy of the parts, joined; valid until clear() or the arena's destruction.
  std::string_view keep(std::initializer_list<std::string_view> parts);
  std::string_view keep(std::string_view text) { return keep({text}); }
  void clear();

 private:
  Chunk current_;
  ChunkQueue full_;
};

}  // namespace postern::base
