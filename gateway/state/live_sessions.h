// The sessions that have WebSockets and event streams open, so that a newer token of a session can take the
// place of the one with which they were opened: they need not end with that one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "state/token_marks.h"

namespace postern::state {

// A token that was verified. Immutable; any thread may read it.
class SessionToken {
 public:
  virtual ~SessionToken() = default;
  virtual TokenMarks marks() const = 0;
  // Unix seconds; see policy::VerifiedToken.
  virtual int64_t expires_at() const = 0;
  virtual int64_t accepted_until() const = 0;
  // VerificationKey::number() of the key that has signed it.
  virtual uint64_t key() const = 0;
  // What the token says under these names of claims. Two tokens that say the same have the same digest.
  virtual MarkDigest digest_of(const std::vector<std::string>& claims) const = 0;
};

// The session of a token: tokens that one provider has issued to the same subject, with the same iss and with
// the same sid, or all without one. `provider` is a name under jwt. Not set for a token without a subject,
// which has no session.
MarkDigest session_of(std::string_view provider, const TokenMarks& marks);

// Any thread may use it. It holds one place for each WebSocket and event stream that can be renewed, and
// nothing of a session that has none.
class LiveSessions {
 public:
  // The names of the claims that the rules of a route read, and what the token says there: another token may
  // change neither the one nor the other. Null: the route has no rules.
  struct Claims {
    std::shared_ptr<const std::vector<std::string>> names{};
    MarkDigest values{};
  };

  // The place of one socket or stream. It is known to the table until it is destroyed; the table outlives it.
  class Place {
   public:
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // Returns the newest token that came since the last call; null: none.
    std::shared_ptr<const SessionToken> take();
    // Whether a token of this session may take the place: it is the same session, and its rules read the
    // same in the token.
    bool takes(const MarkDigest& session, const SessionToken& token) const;

   private:
    friend class LiveSessions;
    using BySession = std::unordered_multimap<uint64_t, Place*>;
    Place(LiveSessions& all, const MarkDigest& session, const MarkDigest& connection, Claims claims);

    LiveSessions& all_;
    const MarkDigest session_;
    const MarkDigest connection_;
    const Claims claims_;
    BySession::iterator entry_;
    std::atomic<bool> has_newer_{false};
    std::shared_ptr<const SessionToken> newer_;  // under the mutex of the shard
  };

  LiveSessions() = default;
  LiveSessions(const LiveSessions&) = delete;
  LiveSessions& operator=(const LiveSessions&) = delete;

  // `connection` is the id of the request that opened the socket or stream. Null for a session that is not
  // set.
  std::unique_ptr<Place> join(const MarkDigest& session, std::string_view connection, Claims claims);

  // Gives the token to what its session has open, or to the one connection only, if that is not empty.
  // Returns to how many: to those whose rules read the same in it.
  size_t renew(const MarkDigest& session, const std::shared_ptr<const SessionToken>& token,
               std::string_view connection = {});

  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t shard_count = 64;

  struct alignas(64) Shard {
    std::mutex mutex;
    Place::BySession places;
  };

  Shard& shard_of(const MarkDigest& session) { return shards_[session[0] % shard_count]; }

  std::array<Shard, shard_count> shards_;
  std::atomic<size_t> size_{0};
};

}  // namespace postern::state
