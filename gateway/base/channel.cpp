#include "base/channel.h"

namespace postern::base {

void Channel::push(Chunk chunk) {
  if (discarding_ || closed() || chunk.empty()) return;
  queue_.push(std::move(chunk));
  if (!has_room()) full_ = true;
  tell_consumer();
}

void Channel::push_copy(Bytes bytes) {
  if (discarding_ || closed() || bytes.empty()) return;
  queue_.push_copy(bytes);
  if (!has_room()) full_ = true;
  tell_consumer();
}

void Channel::end() {
  if (closed()) return;
  ended_ = true;
  tell_consumer();
}

void Channel::abort(Error why) {
  if (aborted_ || at_end()) return;
  aborted_ = why;
  tell_consumer();
  if (writer_) writer_->settle();
}

Chunk Channel::take() {
  Chunk chunk = queue_.pop();
  if (full_ && queue_.bytes() <= low_water_) tell_producer();
  return chunk;
}

void Channel::discard() {
  discarding_ = true;
  queue_.clear();
  if (full_) tell_producer();
}

void Channel::tell_consumer() {
  if (reader_) reader_->settle();
  if (consumer_) consumer_->on_pushed();
}

void Channel::tell_producer() {
  full_ = false;
  if (writer_) writer_->settle();
  if (producer_) producer_->on_room();
}

}  // namespace postern::base
