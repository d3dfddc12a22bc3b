// A queue of messages, as frames, that wait for a slow reader. Its limit counts the memory that they take,
// since a small message takes many times its size in bytes. The cost of an operation hardly grows with the
// length of the queue, so a sender of many small messages, or of many keys, does not slow down the others. It
// is used on one thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/chunk.h"
#include "base/pool.h"

namespace postern::websocket {

class MessageQueue {
 public:
  enum class Full : uint8_t {
    refuse,       // the new message is refused
    drop_oldest,  // the oldest messages are dropped
    keep_latest,  // also, first, an older message with the same key
  };

  enum class Kind : uint8_t {
    message,
    control,  // a ping or a pong: only the last one of each key is kept (RFC 6455 5.5.3)
    close,    // never dropped and never refused
  };

  MessageQueue(uint64_t held_max, Full full) : held_max_(held_max), full_(full) {}

  // Returns false when the message is refused. A message with an empty `key` replaces no other. A frame
  // larger than the whole queue is accepted when the queue is empty.
  bool push(base::Chunk frame, std::string_view key, Kind kind = Kind::message);
  base::Chunk pop();  // requires that the queue is not empty
  bool empty() const { return items_.empty(); }
  uint64_t bytes() const { return bytes_; }        // total size of the frames
  uint64_t held() const { return held_; }          // memory, in bytes
  uint64_t messages() const { return messages_; }  // messages in the queue
  uint64_t dropped() const { return dropped_; }    // messages dropped since the queue was made

 private:
  struct Item {
    base::Chunk frame;
    std::string key;  // empty: none
    Kind kind;
  };
  using Items = std::list<Item, base::PoolAllocator<Item>>;
  // Ordered by the full keys: two keys never collide, and a sender cannot choose keys that are slow to find,
  // as it could with a hash table.
  using Latest = std::map<std::pair<Kind, std::string_view>, Items::iterator>;

  static uint64_t held_by(size_t frame, size_t key);
  bool is_indexed(std::string_view key, Kind kind) const {
    return !key.empty() && (full_ == Full::keep_latest || kind == Kind::control);
  }
  void drop(Items::iterator item);
  base::Chunk take(Items::iterator item);

  Items items_;
  Latest latest_;  // its keys are views into the items
  uint64_t bytes_ = 0;
  uint64_t held_ = 0;
  uint64_t messages_ = 0;
  uint64_t dropped_ = 0;
  uint64_t held_max_;
  Full full_;
};

}  // namespace postern::websocket
