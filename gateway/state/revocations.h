// The tokens that were revoked before they expire: by their id, their subject, their session, or because they
// were issued before some time. A revocation lasts as long as a token that it names can still be valid.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "state/token_marks.h"

namespace postern::state {

struct Revocation {
  enum class Kind : uint8_t {
    token,           // the token with this jti
    subject,         // every token with this sub, whenever it was issued
    session,         // every token with this sid
    subject_before,  // tokens with this sub that were issued before a time
    all_before,      // tokens of the issuer, or of all, that were issued before a time
    logout_token,    // no revocation: a provider's logout token with this jti was used
    end,             // not a kind: the number of kinds
  };
  Kind kind = Kind::subject;
  std::string value{};        // the claim's text; empty for all_before
  std::string issuer{};       // tokens of this iss only; empty: of any
  int64_t issued_before = 0;  // Unix seconds; for the kinds that have it
  int64_t until = 0;          // Unix seconds: from then on the revocation does not count any more
};

// Any thread may use it. It keeps digests and no names, but for the newest revocations, which an operator can
// look at. A full table refuses a revocation: it never forgets one that still counts.
//
// The entries are in shards, each with a lock, so that adding one costs the same in a table of any size; a
// shard that grows copies its own entries only. Whoever has checked a token remembers generation() from
// before the check, and need not check again until it changes.
class Revocations {
 public:
  static constexpr size_t entries_max = 1'048'576;
  // Room that logouts leave to the operator: whoever logs in and out all day must not keep him from revoking.
  static constexpr size_t kept_for_operator = 65'536;
  // 64 MiB in a full table: 32 bytes for each place, of which at most 3 of 4 are taken.
  static constexpr size_t memory_max = 64 * 1024 * 1024;
  static constexpr size_t listed_max = 1000;
  static constexpr size_t text_max = 512;  // bytes of a value or issuer that is listed

  enum class Added : uint8_t {
    added,
    known,  // there was one for the same tokens; the longer time counts, and the later issued_before
    full,   // nothing was added
  };

  Revocations() = default;
  Revocations(const Revocations&) = delete;
  Revocations& operator=(const Revocations&) = delete;

  enum class Asker : uint8_t { admin, logout };

  // `now` is in Unix seconds, here and below.
  Added add(const Revocation& revocation, int64_t now, Asker asker = Asker::admin);
  bool is_revoked(const TokenMarks& marks, int64_t now) const;

  // Changes with every revocation that is added. It is cheap enough for every request.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  bool empty() const { return size() == 0; }
  // Entries, including those that do not count any more and were not removed yet.
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t size(Revocation::Kind kind) const {
    return of_kind_[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
  }
  // Bytes of the tables.
  size_t memory() const { return places_.load(std::memory_order_relaxed) * sizeof(Place); }
  // How many were added, and how many were refused because the table was full, since the start.
  uint64_t added() const { return added_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

  // Removes entries that do not count any more, from one part of the table after the other: `sweeps_of_all`
  // calls look at everything. Their memory is given back.
  void sweep(int64_t now);
  static constexpr size_t sweeps_of_all = 32;

  // The newest that were added and still count, the newest last; at most `listed_max`.
  std::vector<Revocation> newest(int64_t now) const;

 private:
  using Kind = Revocation::Kind;
  static constexpr size_t kinds = static_cast<size_t>(Kind::end);
  static constexpr size_t shard_count = 256;

  struct Place {
    MarkDigest key{};  // zero: the place is free; its last bits are the kind
    int64_t until = 0;
    int64_t issued_before = 0;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<Place> places;  // a power of two, or none
    size_t used = 0;
  };

  static MarkDigest key_of(Kind kind, const MarkDigest& value, const MarkDigest& issuer);
  static Kind kind_of(const MarkDigest& key) { return static_cast<Kind>(key[1] & 7); }
  // The place of `key`, or a free one where it would stand; null if there are no places.
  static const Place* find(const std::vector<Place>& places, const MarkDigest& key);
  static Place* find(std::vector<Place>& places, const MarkDigest& key) {
    return const_cast<Place*>(find(std::as_const(places), key));
  }
  const Shard& shard_of(const MarkDigest& key) const { return shards_[key[0] >> 56]; }
  Shard& shard_of(const MarkDigest& key) { return shards_[key[0] >> 56]; }
  bool names(Kind kind, const MarkDigest& value, const TokenMarks& marks, int64_t now) const;
  bool counts(const MarkDigest& key, int64_t issued_at, int64_t now) const;
  Added put(const Place& wanted, int64_t now, size_t most);
  bool has_room(int64_t now, size_t most);
  // The shard must be locked: drops what does not count any more, and makes room for `more`.
  void rebuild(Shard& shard, size_t more, int64_t now);
  void sweep(Shard& shard, int64_t now);
  void note(const Revocation& revocation);

  std::array<Shard, shard_count> shards_;
  std::atomic<size_t> size_{0};
  std::atomic<size_t> places_{0};
  std::array<std::atomic<size_t>, kinds> of_kind_{};
  std::atomic<uint64_t> generation_{1};
  std::atomic<uint64_t> added_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<size_t> next_sweep_{0};
  std::atomic<int64_t> swept_all_at_{0};
  mutable std::mutex newest_mutex_;
  std::deque<Revocation> newest_;
};

}  // namespace postern::state
