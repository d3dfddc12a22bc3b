#include "websocket/message_queue.h"

#include <algorithm>

namespace postern::websocket {
namespace {

// The memory of a node in the list and of a node in the map of keys: three and four pointers, and the
// allocator's overhead.
constexpr uint64_t place_size = 112;
constexpr uint64_t index_size = 96;
constexpr uint64_t block_size = 8;  // before the bytes of a chunk

}  // namespace

uint64_t MessageQueue::held_by(size_t frame, size_t key) {
  return place_size + base::pool_rounded(block_size + frame) + (key == 0 ? 0 : index_size + key);
}

bool MessageQueue::push(base::Chunk frame, std::string_view key, Kind kind) {
  if (!is_indexed(key, kind)) key = {};
  if (!key.empty())
    if (const auto older = latest_.find({kind, key}); older != latest_.end()) drop(older->second);
  const uint64_t more = held_by(frame.size(), key.size());
  while (held_ + more > held_max_ && !items_.empty() && kind != Kind::close) {
    if (full_ == Full::refuse) return false;
    const auto oldest =
        std::find_if(items_.begin(), items_.end(), [](const Item& item) { return item.kind != Kind::close; });
    if (oldest == items_.end()) return false;
    drop(oldest);
  }
  held_ += more;
  bytes_ += frame.size();
  if (kind == Kind::message) ++messages_;
  items_.push_back({std::move(frame), std::string(key), kind});
  const auto item = std::prev(items_.end());
  if (!item->key.empty()) latest_.emplace(std::pair(kind, std::string_view(item->key)), item);
  return true;
}

void MessageQueue::drop(Items::iterator item) {
  if (item->kind == Kind::message) ++dropped_;
  take(item);
}

base::Chunk MessageQueue::pop() { return take(items_.begin()); }

base::Chunk MessageQueue::take(Items::iterator item) {
  base::Chunk frame = std::move(item->frame);
  held_ -= held_by(frame.size(), item->key.size());
  bytes_ -= frame.size();
  if (item->kind == Kind::message) --messages_;
  if (!item->key.empty()) latest_.erase({item->kind, item->key});
  items_.erase(item);
  return frame;
}

}  // namespace postern::websocket
