// Messages that wait for a reader, as frames, with a limit on their bytes. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "base/chunk.h"

namespace postern::websocket {

class MessageQueue {
 public:
  enum class Full : uint8_t {
    refuse,       // the new one has no place
    drop_oldest,  // the oldest make room
    keep_latest,  // so does first of all an older one with the same key
  };

  enum class Kind : uint8_t {
    message,
    control,  // a ping or a pong: only the last of its key is kept (RFC 6455 5.5.3)
    close,    // never dropped, and always has a place
  };

  MessageQueue(uint64_t bytes_max, Full full) : bytes_max_(bytes_max), full_(full) {}

  // False: there is no place for it. `key` empty: it is like no other. A frame larger than the whole queue
  // has a place when nothing else is there.
  bool push(base::Chunk frame, std::string_view key, Kind kind = Kind::message);
  base::Chunk pop();  // not empty()
  bool empty() const { return items_.empty(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t messages() const { return messages_; }  // that wait
  uint64_t dropped() const { return dropped_; }    // messages, since it was made

 private:
  struct Item {
    base::Chunk frame;
    size_t key;  // 0: none
    Kind kind;
  };
  void drop(std::deque<Item>::iterator item);

  std::deque<Item> items_;
  uint64_t bytes_ = 0;
  uint64_t messages_ = 0;
  uint64_t dropped_ = 0;
  uint64_t bytes_max_;
  Full full_;
};

}  // namespace postern::websocket
