// Messages that wait for a reader, as frames, with a limit on the memory that they take: a small message
// takes many times its bytes. A step takes no longer with more of them, or hardly: no sender of many small
// ones, or of many kinds, makes the others slow. One thread.
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
    refuse,       // the new one has no place
    drop_oldest,  // the oldest make room
    keep_latest,  // so does first of all an older one with the same key
  };

  enum class Kind : uint8_t {
    message,
    control,  // a ping or a pong: only the last of its key is kept (RFC 6455 5.5.3)
    close,    // never dropped, and always has a place
  };

  MessageQueue(uint64_t held_max, Full full) : held_max_(held_max), full_(full) {}

  // False: there is no place for it. `key` empty: it is like no other. A frame larger than the whole queue
  // has a place when nothing else is there.
  bool push(base::Chunk frame, std::string_view key, Kind kind = Kind::message);
  base::Chunk pop();  // not empty()
  bool empty() const { return items_.empty(); }
  uint64_t bytes() const { return bytes_; }        // of frames
  uint64_t held() const { return held_; }          // of memory
  uint64_t messages() const { return messages_; }  // that wait
  uint64_t dropped() const { return dropped_; }    // messages, since it was made

 private:
  struct Item {
    base::Chunk frame;
    std::string key;  // empty: none
    Kind kind;
  };
  using Items = std::list<Item, base::PoolAllocator<Item>>;
  // The keys themselves, in order: no two of them are taken for one, and nobody can choose them so that they
  // are slow to find, as with a hash.
  using Latest = std::map<std::pair<Kind, std::string_view>, Items::iterator>;

  static uint64_t held_by(size_t frame, size_t key);
  bool is_indexed(std::string_view key, Kind kind) const {
    return !key.empty() && (full_ == Full::keep_latest || kind == Kind::control);
  }
  void drop(Items::iterator item);
  base::Chunk take(Items::iterator item);

  Items items_;
  Latest latest_;  // by views into the items' keys
  uint64_t bytes_ = 0;
  uint64_t held_ = 0;
  uint64_t messages_ = 0;
  uint64_t dropped_ = 0;
  uint64_t held_max_;
  Full full_;
};

}  // namespace postern::websocket
