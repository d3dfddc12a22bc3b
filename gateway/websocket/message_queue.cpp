#include "websocket/message_queue.h"

#include <algorithm>

namespace postern::websocket {

bool MessageQueue::push(base::Chunk frame, std::string_view key, Kind kind) {
  const size_t hashed = key.empty() ? 0 : std::hash<std::string_view>{}(key) | 1u;
  if ((full_ == Full::keep_latest || kind == Kind::control) && hashed != 0) {
    const auto older = std::find_if(items_.begin(), items_.end(), [&](const Item& item) {
      return item.key == hashed && item.kind == kind;
    });
    if (older != items_.end()) drop(older);
  }
  while (bytes_ + frame.size() > bytes_max_ && !items_.empty() && kind != Kind::close) {
    if (full_ == Full::refuse) return false;
    const auto oldest =
        std::find_if(items_.begin(), items_.end(), [](const Item& item) { return item.kind != Kind::close; });
    if (oldest == items_.end()) return false;
    drop(oldest);
  }
  bytes_ += frame.size();
  if (kind == Kind::message) ++messages_;
  items_.push_back({std::move(frame), hashed, kind});
  return true;
}

void MessageQueue::drop(std::deque<Item>::iterator item) {
  bytes_ -= item->frame.size();
  if (item->kind == Kind::message) {
    --messages_;
    ++dropped_;
  }
  items_.erase(item);
}

base::Chunk MessageQueue::pop() {
  base::Chunk frame = std::move(items_.front().frame);
  if (items_.front().kind == Kind::message) --messages_;
  items_.pop_front();
  bytes_ -= frame.size();
  return frame;
}

}  // namespace postern::websocket
