#include "upstream/passive_health.h"

#include <string>

namespace postern::upstream {
namespace {

bool has_stand_in(const Group& group, size_t index) {
  for (size_t other = 0; other < group.size(); ++other)
    if (other != index && group.endpoint(other)->availability() == Availability::available) return true;
  return false;
}

void count_failure(Group& group, size_t index, base::Instant now, std::string_view reason) {
  const EjectModel& rules = group.model().eject;
  if (!rules.enabled) return;
  Endpoint& endpoint = *group.endpoint(index);
  if (!endpoint.ejection().on_failure(now, rules) || !has_stand_in(group, index)) return;
  const uint32_t failures = endpoint.ejection().failures();
  const base::Duration length = endpoint.ejection().eject(now, rules);
  if (!group.state().log) return;
  group.state().log->warn("endpoint_ejected", {{"upstream", group.model().name},
                                               {"endpoint", group.model().endpoints[index].text},
                                               {"reason", reason},
                                               {"failures", failures},
                                               {"for_ms", base::milliseconds_of(length)}});
}

}  // namespace

void note_failure(Group& group, size_t index, base::Instant now, Condition condition,
                  std::string_view reason) {
  group.state().held.on_failed();
  if (group.model().eject.on.has(condition)) count_failure(group, index, now, reason);
}

void note_answer(Group& group, size_t index, base::Instant now, uint16_t status) {
  if (group.model().eject.on.has_status(status))
    return count_failure(group, index, now, "status " + std::to_string(status));
  group.state().is_back();
  Endpoint& endpoint = *group.endpoint(index);
  if (!endpoint.ejection().on_answer(now)) return;
  endpoint.came_up(now);
  if (!group.state().log) return;
  group.state().log->info("endpoint_readmitted", {{"upstream", group.model().name},
                                                  {"endpoint", group.model().endpoints[index].text}});
}

}  // namespace postern::upstream
