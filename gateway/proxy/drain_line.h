// Who must leave one worker, and when each is told: a reload that changes a route, or a shutdown, ends what
// is open under it at a pace, so that it is no stampede for whoever serves these clients next. WebSockets and
// event streams stand in one line, the oldest first, and share its pace.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "base/turn.h"
#include "proxy/drain_rate.h"

namespace postern::proxy {

class DrainLine final : private base::Timer {
 public:
  enum class Kind : uint8_t { websocket, event_stream };

  // What is open, and may have to leave; from join() to part().
  class Member {
   public:
    explicit Member(Kind kind) : link_(this), kind_(kind) {}
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    // A configuration whose routes have the fingerprints `routes`, sorted, would not have opened it.
    virtual bool outdated(const std::vector<uint64_t>& routes) const = 0;
    // It ends already, and needs not to be told.
    virtual bool is_ending() const = 0;
    // Its turn has come. It may part() in this call; no other member may.
    virtual void leave(bool stopping) = 0;

   protected:
    ~Member() = default;

   private:
    friend class DrainLine;
    base::LinkIn<Member> link_;
    Kind kind_;
    bool waits_ = false;  // in the line of those that are to be told
  };

  explicit DrainLine(base::Turn& turn) : turn_(turn) {}
  ~DrainLine() override = default;

  // What began under an older configuration, or before the end, is lined up at once.
  void join(Member& member);
  void part(Member& member);

  // A reload: members that the new configuration would not have opened are lined up, and so is what joins
  // under an older one from now on. `routes` are the fingerprints of its routes, in any order. Returns how
  // many wait in all.
  size_t adopt(std::vector<uint64_t> routes, const DrainRate& rate);
  // A shutdown: all leave, and those that are still to come.
  void leave(const DrainRate& rate);
  // Members of this kind that are yet to be told.
  size_t waiting(Kind kind) const { return waiting_[static_cast<size_t>(kind)]; }

 private:
  bool must_leave(const Member& member) const { return stopping_ || (routes_ && member.outdated(*routes_)); }
  size_t waiting() const { return waiting_[0] + waiting_[1]; }
  void line_up_outdated();
  void line_up(Member& member);
  void stay(Member& member);
  void set_rate(const DrainRate& rate);
  void on_deadline() override;

  base::Turn& turn_;
  base::Link staying_;
  base::Link drain_line_;  // that are yet to be told
  std::array<size_t, 2> waiting_{};
  DrainRate rate_;
  double per_step_ = 1;
  double due_ = 0;  // to be told, in members; carries fractions from step to step
  std::optional<std::vector<uint64_t>> routes_;  // sorted; nothing: before the first snapshot
  bool stopping_ = false;
};

}  // namespace postern::proxy
