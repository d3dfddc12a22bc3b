#include "tunnel/drain_line.h"

#include <algorithm>

#include "routing/route.h"

namespace postern::tunnel {
namespace {

constexpr base::Duration step = std::chrono::milliseconds(100);

}  // namespace

void CurrentRoutes::sort() {
  std::sort(routes.begin(), routes.end());
  std::sort(gone_keys.begin(), gone_keys.end());
}

bool CurrentRoutes::allow(uint64_t route, uint64_t key) const {
  if (!std::binary_search(routes.begin(), routes.end(), route)) return false;
  return key == 0 ||
         !std::binary_search(gone_keys.begin(), gone_keys.end(), routing::fingerprint_under(route, key));
}

bool CurrentRoutes::take(const net::ClientCertificate* certificate) const {
  return !certificate || verifiers.empty() ||
         std::any_of(verifiers.begin(), verifiers.end(),
                     [certificate](const auto& verifier) { return verifier->still_takes(*certificate); });
}

void DrainLine::join(Member& member) {
  staying_.append(member.link_);
  if (!must_leave(member)) return;
  line_up(member);
  set_rate(rate_);
}

void DrainLine::part(Member& member) {
  member.link_.unlink();
  if (member.waits_) --waiting_[static_cast<size_t>(member.kind_)];
  member.waits_ = false;
}

size_t DrainLine::adopt(CurrentRoutes current, const DrainRate& rate) {
  current.sort();
  current_ = std::move(current);
  for (base::Link *at = drain_line_.next, *next = at->next; at != &drain_line_; at = next, next = at->next) {
    Member* member = base::LinkIn<Member>::of(at);
    if (!must_leave(*member) || member->is_ending()) stay(*member);  // the new configuration allows it again
  }
  line_up_outdated();
  if (!stopping_) set_rate(rate);
  return waiting();
}

void DrainLine::leave(const DrainRate& rate) {
  stopping_ = true;
  line_up_outdated();
  set_rate(rate);
}

void DrainLine::line_up_outdated() {
  for (base::Link *at = staying_.next, *next = at->next; at != &staying_; at = next, next = at->next) {
    Member* member = base::LinkIn<Member>::of(at);
    if (!member->is_ending() && must_leave(*member)) line_up(*member);
  }
}

void DrainLine::line_up(Member& member) {
  member.link_.unlink();
  drain_line_.append(member.link_);
  member.waits_ = true;
  ++waiting_[static_cast<size_t>(member.kind_)];
}

void DrainLine::stay(Member& member) {
  part(member);
  staying_.append(member.link_);
}

void DrainLine::set_rate(const DrainRate& rate) {
  rate_ = rate;
  if (waiting() == 0) return;
  const double wanted = rate.per_second(waiting()) * std::chrono::duration<double>(step).count();
  per_step_ = armed() ? std::max(per_step_, wanted) : wanted;
  if (armed()) return;
  due_ = std::max(1.0, per_step_);
  turn_.arm(*this, base::Duration::zero());
}

void DrainLine::on_deadline() {
  while (due_ >= 1 && drain_line_.linked()) {
    Member* member = base::LinkIn<Member>::of(drain_line_.next);
    stay(*member);  // until it has ended
    if (member->is_ending()) continue;
    --due_;
    member->leave(stopping_);
  }
  if (!drain_line_.linked()) return;
  due_ += per_step_;
  turn_.arm(*this, step);
}

}  // namespace postern::tunnel
