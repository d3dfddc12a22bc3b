// A reference-counted piece of bytes in pooled memory. Bytes are copied when a Chunk is made; afterwards the
// chunk is moved, shared and cut without touching them. For one thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace postern::base {

using Bytes = std::span<const std::byte>;

inline Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Chunk {
 public:
  Chunk() = default;                            // empty
  static Chunk with_capacity(size_t capacity);  // holds no bytes at first
  static Chunk copy_of(Bytes bytes);
  static Chunk copy_of(std::string_view text) { return copy_of(bytes_of(text)); }

  Chunk(Chunk&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        offset_(std::exchange(other.offset_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  Chunk& operator=(Chunk&& other) noexcept {
    if (this != &other) {
      release();
      block_ = std::exchange(other.block_, nullptr);
      offset_ = std::exchange(other.offset_, 0);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Chunk() { release(); }

  Chunk share() const;  // returns another owner of the same bytes

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::byte* data() const;
  Bytes bytes() const { return {data(), size_}; }
  std::string_view text() const { return text_of(bytes()); }

  // The number of bytes that append() can still take; 0 when the bytes are shared.
  size_t room() const;
  void append(Bytes bytes);  // at most room()
  // The position where append() would write: fill it, then call extend(). Valid until the next change.
  std::byte* end();
  void extend(size_t count) { size_ += static_cast<uint32_t>(count); }

  void drop_front(size_t count) {
    offset_ += static_cast<uint32_t>(count);
    size_ -= static_cast<uint32_t>(count);
  }
  void truncate(size_t count) { size_ = static_cast<uint32_t>(count); }

 private:
  struct Block {
    uint32_t references;
    uint32_t capacity;
  };
  std::byte* storage() const { return reinterpret_cast<std::byte*>(block_ + 1); }
  void release();

  Block* block_ = nullptr;
  uint32_t offset_ = 0;
  uint32_t size_ = 0;
};

inline const std::byte* Chunk::data() const { return block_ ? storage() + offset_ : nullptr; }
inline std::byte* Chunk::end() { return storage() + offset_ + size_; }

// Here so that a text of known length is stored without a call: heads are written in many small pieces.
inline void Chunk::append(Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(end(), bytes.data(), bytes.size());
  size_ += static_cast<uint32_t>(bytes.size());
}

// A first-in, first-out queue of chunks without a limit: the code that pushes must watch bytes().
class ChunkQueue {
 public:
  ChunkQueue() = default;
  ChunkQueue(const ChunkQueue&) = delete;
  ChunkQueue& operator=(const ChunkQueue&) = delete;
  ChunkQueue(ChunkQueue&& other) noexcept { swap(other); }
  ChunkQueue& operator=(ChunkQueue&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ChunkQueue() { clear(); }
  void swap(ChunkQueue& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(bytes_, other.bytes_);
  }

  bool empty() const { return first_ == nullptr; }
  size_t bytes() const { return bytes_; }

  void push(Chunk chunk);
  // Appends a copy of `bytes`, into the free room of the last chunk while there is some. Behind other chunks,
  // a small copy gets a chunk with room to grow, so that many small copies do not cost many times their
  // bytes.
  void push_copy(Bytes bytes);
  Chunk pop();
  void drop_front(size_t count);  // at most bytes()
  void clear();

  // Calls `visit` with the bytes of the first chunks, at most `limit` of them, for a gathering write. Returns
  // the number of chunks visited.
  template <class Visit>
  size_t visit(size_t limit, Visit&& visit) const {
    size_t count = 0;
    for (Node* at = first_; at && count < limit; at = at->next, ++count) visit(at->chunk.bytes());
    return count;
  }

 private:
  struct Node {
    Chunk chunk;
    Node* next = nullptr;
  };
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace postern::base
