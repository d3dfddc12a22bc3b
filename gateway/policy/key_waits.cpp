#include "policy/key_waits.h"

#include "base/error.h"

namespace postern::policy {

AwaitedKeys::AwaitedKeys(KeyWaits& waits, const state::LiveKeys& keys, uint64_t asked_after, bool again)
    : Awaited(keys.wait(), base::Cause::keys_unavailable),
      waits_(waits),
      what_("the keys of " + keys.name()),
      asked_after_(asked_after),
      again_(again),
      link_(this) {
  ++waits_.waiting_;
}

AwaitedKeys::~AwaitedKeys() { --waits_.waiting_; }

std::unique_ptr<AwaitedKeys> KeyWaits::wait_for(const state::LiveKeys& keys, bool again) {
  if (waiting_ >= waiting_max) return nullptr;
  const uint64_t begun = keys.fetches().begun;
  Line& line = lines_[keys.name()];
  if (!line.asked || line.asked_after != begun) {
    line.asked = true;
    line.asked_after = begun;
    ask_(keys.name());
  }
  auto awaited = std::make_unique<AwaitedKeys>(*this, keys, begun, again);
  line.requests.append(awaited->link_);
  return awaited;
}

void KeyWaits::on_fetched(std::string_view name) {
  const auto line = lines_.find(name);
  if (line == lines_.end()) return;
  base::Link& requests = line->second.requests;
  while (requests.linked()) {
    AwaitedKeys* const request = base::LinkIn<AwaitedKeys>::of(requests.next);
    request->link_.unlink();
    request->arrive();
  }
  lines_.erase(line);
}

}  // namespace postern::policy
