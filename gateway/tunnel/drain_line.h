// The queue in which the open WebSockets and event streams of one worker wait to be closed. A reload that
// changes a route, and a shutdown, close what is open under it at a limited rate, so that the servers that
// get these clients next are not overrun. Both kinds share one queue and one rate, the oldest first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "base/turn.h"
#include "net/client_verifier.h"
#include "tunnel/drain_rate.h"

namespace postern::tunnel {

// What the configuration of this moment allows WebSockets and event streams to be open under.
struct CurrentRoutes {
  std::vector<uint64_t> routes{};     // the fingerprints of its routes
  std::vector<uint64_t> gone_keys{};  // routing::fingerprint_under() of its routes and keys that are gone
  // Of its listeners that ask clients for certificates.
  std::vector<std::shared_ptr<const net::ClientVerifier>> verifiers{};

  void sort();
  // `key` has signed the token of what is open; 0: there is no token. The lists must be sorted.
  bool allow(uint64_t route, uint64_t key) const;
  // Whether some listener would still take the client certificate of what is open; null: it has none. Where
  // no listener asks for certificates any more, it makes no difference.
  bool take(const net::ClientCertificate* certificate) const;
};

class DrainLine final : private base::Timer {
 public:
  enum class Kind : uint8_t { websocket, event_stream };

  // A WebSocket or event stream that is open and may have to be closed; registered from join() to part().
  class Member {
   public:
    explicit Member(Kind kind) : link_(this), kind_(kind) {}
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    // True when it would not have been opened at this moment.
    virtual bool outdated(const CurrentRoutes& current) = 0;
    // True when it is ending already and need not be closed.
    virtual bool is_ending() const = 0;
    // Its turn has come: it begins to close. It may call part() in this call; no other member may.
    virtual void leave(bool stopping) = 0;

   protected:
    ~Member() = default;

   private:
    friend class DrainLine;
    base::LinkIn<Member> link_;
    Kind kind_;
    bool waits_ = false;  // it is in the queue of members to be closed
  };

  explicit DrainLine(base::Turn& turn) : turn_(turn) {}
  ~DrainLine() override = default;

  // A member that began under an older configuration, or that joins during a shutdown, is queued at once.
  void join(Member& member);
  void part(Member& member);

  // A reload, or a key that is gone: queues the members that would not be opened now; later also members that
  // join under an older configuration. The lists of `current` may have any order. Returns how many members
  // are queued in all.
  size_t adopt(CurrentRoutes current, const DrainRate& rate);
  // A shutdown: queues all members, and all that join later.
  void leave(const DrainRate& rate);
  // Members of this kind that are still queued.
  size_t waiting(Kind kind) const { return waiting_[static_cast<size_t>(kind)]; }

 private:
  bool must_leave(Member& member) const { return stopping_ || (current_ && member.outdated(*current_)); }
  size_t waiting() const { return waiting_[0] + waiting_[1]; }
  void line_up_outdated();
  void line_up(Member& member);
  void stay(Member& member);
  void set_rate(const DrainRate& rate);
  void on_deadline() override;

  base::Turn& turn_;
  base::Link staying_;
  base::Link drain_line_;  // queued members
  std::array<size_t, 2> waiting_{};
  DrainRate rate_;
  double per_step_ = 1;
  double due_ = 0;  // members that may be closed now; the fraction is carried over to the next step
  std::optional<CurrentRoutes> current_;  // nullopt before the first snapshot
  bool stopping_ = false;
};

}  // namespace postern::tunnel
