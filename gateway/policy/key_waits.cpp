#include "policy/key_waits.h"

#include "base/error.h"

namespace postern::policy {

AwaitedKeys::AwaitedKeys(KeyWaits::Line& line, const state::LiveKeys& keys, bool again)
    : Awaited(keys.wait(), base::Cause::keys_unavailable),
      line_(&line),
      keys_(keys),
      what_("the keys of " + keys.name()),
      asked_after_(line.asked_after),
      again_(again),
      link_(this) {
  line.requests.append(link_);
  ++line.waiting;
}

AwaitedKeys::~AwaitedKeys() {
  if (line_) --line_->waiting;
}

std::unique_ptr<AwaitedKeys> KeyWaits::wait_for(const state::LiveKeys& keys, bool again) {
  Line& line = lines_[keys.name()];
  if (line.waiting >= waiting_max) return nullptr;
  const uint64_t begun = keys.fetches().begun;
  if (!line.asked || line.asked_after != begun) {
    line.asked = true;
    line.asked_after = begun;
    ask_(keys.name());
  }
  return std::make_unique<AwaitedKeys>(line, keys, again);
}

void KeyWaits::on_fetched(std::string_view name) {
  const auto found = lines_.find(name);
  if (found == lines_.end()) return;
  base::Link& requests = found->second.requests;
  while (requests.linked()) {
    AwaitedKeys* const request = base::LinkIn<AwaitedKeys>::of(requests.next);
    request->link_.unlink();
    request->line_ = nullptr;
    request->arrive();
  }
  lines_.erase(found);
}

}  // namespace postern::policy
