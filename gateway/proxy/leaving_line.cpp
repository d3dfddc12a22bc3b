#include "proxy/leaving_line.h"

#include <algorithm>

namespace postern::proxy {
namespace {

constexpr base::Duration step = std::chrono::milliseconds(100);

}  // namespace

void LeavingLine::join(Member& member) {
  staying_.append(member.link_);
  if (!must_leave(member)) return;
  line_up(member);
  set_pace(pace_);
}

void LeavingLine::part(Member& member) {
  member.link_.unlink();
  if (member.waits_) --waiting_[static_cast<size_t>(member.kind_)];
  member.waits_ = false;
}

size_t LeavingLine::adopt(std::vector<uint64_t> routes, const LeavingPace& pace) {
  std::sort(routes.begin(), routes.end());
  routes_ = std::move(routes);
  for (base::Link *at = leaving_.next, *next = at->next; at != &leaving_; at = next, next = at->next) {
    Member* member = base::LinkIn<Member>::of(at);
    if (!must_leave(*member) || member->is_ending()) stay(*member);  // the change was taken back
  }
  line_up_those_that_must();
  if (!stopping_) set_pace(pace);
  return waiting();
}

void LeavingLine::leave(const LeavingPace& pace) {
  stopping_ = true;
  line_up_those_that_must();
  set_pace(pace);
}

void LeavingLine::line_up_those_that_must() {
  for (base::Link *at = staying_.next, *next = at->next; at != &staying_; at = next, next = at->next) {
    Member* member = base::LinkIn<Member>::of(at);
    if (!member->is_ending() && must_leave(*member)) line_up(*member);
  }
}

void LeavingLine::line_up(Member& member) {
  member.link_.unlink();
  leaving_.append(member.link_);
  member.waits_ = true;
  ++waiting_[static_cast<size_t>(member.kind_)];
}

void LeavingLine::stay(Member& member) {
  part(member);
  staying_.append(member.link_);
}

void LeavingLine::set_pace(const LeavingPace& pace) {
  pace_ = pace;
  if (waiting() == 0) return;
  const double wanted = pace.per_second(waiting()) * std::chrono::duration<double>(step).count();
  per_step_ = armed() ? std::max(per_step_, wanted) : wanted;
  if (armed()) return;
  due_ = std::max(1.0, per_step_);
  turn_.arm(*this, base::Duration::zero());
}

void LeavingLine::on_deadline() {
  while (due_ >= 1 && leaving_.linked()) {
    Member* member = base::LinkIn<Member>::of(leaving_.next);
    stay(*member);  // until it has ended
    if (member->is_ending()) continue;
    --due_;
    member->leave(stopping_);
  }
  if (!leaving_.linked()) return;
  due_ += per_step_;
  turn_.arm(*this, step);
}

}  // namespace postern::proxy
