// Text that lives as long as its arena: heads keep the field values they were given here. Bump allocation in
// pooled memory; nothing is freed before the arena. One thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/chunk.h"

namespace postern::base {

class TextArena {
 public:
  // A copy of the parts, joined, valid until clear() or the arena's end.
  std::string_view keep(std::initializer_list<std::string_view> parts);
  std::string_view keep(std::string_view text) { return keep({text}); }
  void clear();

 private:
  Chunk current_;
  ChunkQueue full_;
};

}  // namespace postern::base
