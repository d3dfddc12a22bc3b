// A bounded queue of chunks between one producer and one consumer, with backpressure: bodies wait here and
// nowhere else. Each end is either a coroutine (which awaits) or an object (which is called back). A producer
// checks has_room() or awaits room() before it pushes more. For one thread only.
#pragma once

#include <coroutine>
#include <optional>

#include "base/chunk.h"
#include "base/scope.h"

namespace postern::base {

class Channel {
 public:
  // Both interfaces are called back in the beat in which the change happens; they must not destroy the
  // channel.
  class Producer {
   public:
    virtual void on_room() = 0;  // the queue fell to the low-water mark after has_room() was false
   protected:
    ~Producer() = default;
  };
  class Consumer {
   public:
    virtual void on_pushed() = 0;  // bytes, the end or an abort arrived
   protected:
    ~Consumer() = default;
  };

  static constexpr size_t default_high_water = 64 * 1024;

  explicit Channel(size_t high_water = default_high_water)
      : high_water_(high_water), low_water_(high_water / 2) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // --- producer ---
  void push(Chunk chunk);
  void push_copy(Bytes bytes);  // joins small pieces that are queued
  void end();             // no more bytes will come; the consumer still reads all that was pushed before
  void abort(Error why);  // the consumer reads what was pushed before, then gets the error
  bool has_room() const { return queue_.bytes() < high_water_; }
  bool closed() const { return ended_ || aborted_; }
  void set_producer(Producer* producer) { producer_ = producer; }

  class Room;
  Room room(Scope& scope);  // co_await → Result<void>

  // --- consumer ---
  class Read;
  Read read(Scope& scope);  // co_await → Result<Chunk>; an empty chunk is the end
  bool readable() const { return !queue_.empty() || closed(); }
  bool has_bytes() const { return !queue_.empty(); }
  size_t bytes() const { return queue_.bytes(); }
  bool at_end() const { return ended_ && queue_.empty(); }
  std::optional<Error> aborted() const { return aborted_; }
  Chunk take();  // requires has_bytes()
  void set_consumer(Consumer* consumer) { consumer_ = consumer; }
  // The consumer wants no more bytes: the queue is dropped and later pushes are ignored. The producer then
  // has room.
  void discard();

 private:
  void tell_consumer();
  void tell_producer();

  ChunkQueue queue_;
  size_t high_water_;
  size_t low_water_;
  bool full_ = false;
  bool ended_ = false;
  bool discarding_ = false;
  std::optional<Error> aborted_;
  Producer* producer_ = nullptr;
  Consumer* consumer_ = nullptr;
  Wait* reader_ = nullptr;
  Wait* writer_ = nullptr;
};

class Channel::Read : public Wait {
 public:
  Read(Scope& scope, Channel& channel) : Wait(scope), channel_(channel) {}
  ~Read() {
    if (channel_.reader_ == this) channel_.reader_ = nullptr;
  }
  bool await_ready() { return already_failed() || channel_.readable(); }
  void await_suspend(std::coroutine_handle<> coroutine) {
    channel_.reader_ = this;
    suspend(coroutine);
  }
  Result<Chunk> await_resume() {
    if (failure_) return base::fail(*failure_);
    if (channel_.has_bytes()) return channel_.take();
    if (channel_.aborted_) return base::fail(*channel_.aborted_);
    return Chunk();
  }

 private:
  Channel& channel_;
};

class Channel::Room : public Wait {
 public:
  Room(Scope& scope, Channel& channel) : Wait(scope), channel_(channel) {}
  ~Room() {
    if (channel_.writer_ == this) channel_.writer_ = nullptr;
  }
  bool await_ready() { return already_failed() || channel_.has_room() || channel_.aborted_; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    channel_.writer_ = this;
    channel_.full_ = true;
    suspend(coroutine);
  }
  Result<void> await_resume() {
    if (failure_) return base::fail(*failure_);
    if (channel_.aborted_) return base::fail(*channel_.aborted_);
    return {};
  }

 private:
  Channel& channel_;
};

inline Channel::Read Channel::read(Scope& scope) { return Read(scope, *this); }
inline Channel::Room Channel::room(Scope& scope) { return Room(scope, *this); }

}  // namespace postern::base
