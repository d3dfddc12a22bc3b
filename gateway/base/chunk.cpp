#include "base/chunk.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/pool.h"

namespace postern::base {
namespace {

constexpr size_t growing_room = 2000;

}  // namespace

Chunk Chunk::with_capacity(size_t capacity) {
  Chunk chunk;
  const size_t size = pool_rounded(sizeof(Block) + capacity);
  chunk.block_ = ::new (pool_allocate(size)) Block{1, static_cast<uint32_t>(size - sizeof(Block))};
  return chunk;
}

Chunk Chunk::copy_of(Bytes bytes) {
  if (bytes.empty()) return {};
  Chunk chunk = with_capacity(bytes.size());
  std::memcpy(chunk.storage(), bytes.data(), bytes.size());
  chunk.size_ = static_cast<uint32_t>(bytes.size());
  return chunk;
}

Chunk Chunk::share() const {
  Chunk other;
  other.block_ = block_;
  other.offset_ = offset_;
  other.size_ = size_;
  if (block_) ++block_->references;
  return other;
}

void Chunk::release() {
  if (block_ && --block_->references == 0) pool_release(block_, sizeof(Block) + block_->capacity);
  block_ = nullptr;
}

size_t Chunk::room() const {
  return block_ && block_->references == 1 ? block_->capacity - offset_ - size_ : 0;
}

void ChunkQueue::push(Chunk chunk) {
  if (chunk.empty()) return;
  bytes_ += chunk.size();
  Node* node = ::new (pool_allocate(sizeof(Node))) Node{std::move(chunk), nullptr};
  (last_ ? last_->next : first_) = node;
  last_ = node;
}

void ChunkQueue::push_copy(Bytes bytes) {
  if (last_) {
    const size_t fits = std::min(last_->chunk.room(), bytes.size());
    last_->chunk.append(bytes.first(fits));
    bytes_ += fits;
    bytes = bytes.subspan(fits);
  }
  while (!bytes.empty()) {
    const size_t piece = std::min(bytes.size(), pool_largest - 64);
    Chunk chunk = Chunk::with_capacity(last_ ? std::max(piece, growing_room) : piece);
    chunk.append(bytes.first(piece));
    push(std::move(chunk));
    bytes = bytes.subspan(piece);
  }
}

Chunk ChunkQueue::pop() {
  Node* node = first_;
  first_ = node->next;
  if (!first_) last_ = nullptr;
  Chunk chunk = std::move(node->chunk);
  bytes_ -= chunk.size();
  node->~Node();
  pool_release(node, sizeof(Node));
  return chunk;
}

void ChunkQueue::drop_front(size_t count) {
  while (count > 0) {
    const size_t here = first_->chunk.size();
    if (count < here) {
      first_->chunk.drop_front(count);
      bytes_ -= count;
      return;
    }
    count -= here;
    pop();
  }
}

void ChunkQueue::clear() {
  while (first_) pop();
}

}  // namespace postern::base
