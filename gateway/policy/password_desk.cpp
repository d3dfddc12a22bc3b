#include "policy/password_desk.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace postern::policy {

PasswordDesk::Asked::Asked(PasswordDesk& desk, state::PasswordChecks::Key key, uint64_t number)
    : Awaited(longest_wait, base::Cause::password_checks_full),
      desk_(desk),
      key_(std::move(key)),
      number_(number) {
  desk_.asked_.emplace(number_, this);
}

PasswordDesk::Asked::~Asked() {
  if (desk_.asked_.erase(number_) > 0) desk_.checks_.forget(key_, desk_, number_);
}

PasswordDesk::~PasswordDesk() { base::check(asked_.empty(), "no request waits when its worker ends"); }

PasswordDesk::Answer PasswordDesk::ask(const state::PasswordChecks::Question& question,
                                       const base::IpAddress& client, base::Instant now) {
  using Kind = Answer::Kind;
  state::PasswordChecks::Key key = checks_.key_of(question);
  if (right_.find(key, now)) {
    right_.touch(key, now);  // who uses it stays in, whatever others behind its address try
    return {Kind::right};
  }
  const uint64_t number = ++last_number_;
  const state::PasswordChecks::Reply reply = checks_.ask(key, question, client, now, *this, number);
  if (reply.kind == Kind::right) right_.touch(key, now);
  Answer answer{reply.kind, reply.wait};
  if (reply.kind == Kind::asked) answer.asked.reset(new Asked(*this, std::move(key), number));
  return answer;
}

void PasswordDesk::receive(Told told) {
  const auto found = asked_.find(told.number);
  if (found == asked_.end()) return;
  Asked& asked = *found->second;
  asked_.erase(found);
  asked.right_ = told.right;
  asked.arrive();
}

}  // namespace postern::policy
