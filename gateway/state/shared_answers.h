// Questions that only one asks for all: a refresh token is often good for one call, and handshakes that come
// with the same one may arrive at several workers at the same time.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "crypto/digest.h"

namespace postern::state {

// For all workers; any thread. A question is known by the SHA-256 of everything that decides about its
// answer.
class SharedAnswers {
 public:
  using Key = crypto::Sha256Digest;
  // Immutable; those who ask know what it is.
  using Answer = std::shared_ptr<const void>;

  static constexpr size_t count_max = 20'000;                    // questions and answers
  static constexpr size_t bytes_max = size_t{64} * 1024 * 1024;  // of answers

  SharedAnswers() = default;
  SharedAnswers(const SharedAnswers&) = delete;
  SharedAnswers& operator=(const SharedAnswers&) = delete;

  enum class Turn : uint8_t {
    answered,  // here is the answer
    awaited,   // somebody asks: look again a moment later
    own,       // the caller asks, and calls answer() or withdraw()
    alone,     // the caller asks for itself, as there is no room: it calls neither
  };
  struct Found {
    Turn turn = Turn::alone;
    Answer answer{};
  };
  // Who asks is believed to do so for `limit`; then it is the turn of the next one.
  Found look(const Key& key, base::Instant now, base::Duration limit);
  // `size` is what the answer takes in memory. It is kept for a time, or forgotten at once without room.
  void answer(const Key& key, Answer answer, size_t size, base::Instant now, base::Duration kept);
  void withdraw(const Key& key);

  size_t size() const;

 private:
  struct Entry;
  using ByKey = std::map<Key, Entry>;
  using Ends = std::multimap<base::Instant, const Key*>;
  struct Entry {
    Answer answer;  // null: it is awaited
    size_t size = 0;
    Ends::iterator end;
  };

  void forget(base::Instant now);
  void remove(ByKey::iterator entry);

  mutable std::mutex mutex_;
  ByKey entries_;
  Ends ends_;  // keys of entries_ by the end of their time
  size_t bytes_ = 0;
};

}  // namespace postern::state
