#include "upstream/prober.h"

#include <algorithm>

#include "base/error.h"
#include "upstream/health_check.h"
#include "upstream/registry.h"

namespace postern::upstream {

class Prober::Probe {
 public:
  // What is checked; a running check keeps the subject that it began with.
  struct Subject {
    const GroupModel* group = nullptr;
    size_t index = 0;
    std::shared_ptr<const void> keep;
    const HealthModel& health() const { return *group->health; }
  };

  Probe(Prober& prober, Subject subject)
      : prober_(prober),
        subject_(std::move(subject)),
        count_(subject_.health().starts_down),
        scope_(prober.turn_) {
    checking_ = check_for_ever();
    checking_.begin();
  }

  void go_on_with(Subject subject) {
    const bool other_pace = subject.health().interval != subject_.health().interval;
    subject_ = std::move(subject);
    if (other_pace) changed_.put(true);
  }

 private:
  base::Task<base::Result<void>> check_for_ever() {
    const base::Duration first = std::min(subject_.health().interval, soon);
    base::Duration pause = std::chrono::duration_cast<base::Duration>(first * prober_.fraction());
    for (;;) {
      base::Phase phase(scope_, base::Stage::connect, pause);
      base::Result<bool> changed = co_await changed_.take(scope_);
      if (!changed) {  // the pause has ended
        const Subject subject = subject_;
        base::Task<bool> checking = check(subject);
        const bool passed = co_await checking;
        static_cast<void>(passed);
      }
      pause = next_pause();
    }
  }

  base::Task<bool> check(const Subject& subject) {
    base::Scope scope(prober_.turn_);  // the deadline of the pause's scope has passed
    std::string account;
    base::Task<base::Result<void>> checking =
        check_health(scope, prober_.turn_, prober_.dialer_, *subject.group, subject.index, account);
    base::Result<void> passed = co_await checking;
    // A shortage in this process (descriptors, memory, ports) says nothing about the endpoint.
    if (!passed && base::traits(passed.error().cause).fault == base::Side::gateway) co_return false;
    if (count_.record(passed.has_value(), subject.health())) tell(subject, std::move(account));
    co_return passed.has_value();
  }

  void tell(const Subject& subject, std::string account) {
    const EndpointModel& endpoint = subject.group->endpoints[subject.index];
    prober_.owner_.on_health(HealthNews{subject.group->name, endpoint.text,
                                        endpoint_key(*subject.group, endpoint), count_.up(),
                                        std::move(account), count_.in_a_row()});
  }

  base::Duration next_pause() {
    const base::Duration interval = subject_.health().interval;
    const base::Duration pause = count_.in_doubt() ? std::min(interval, soon) : interval;
    // Jitter of 10 %: checks that started together do not stay synchronised.
    return std::chrono::duration_cast<base::Duration>(pause * (0.9 + 0.2 * prober_.fraction()));
  }

  Prober& prober_;
  Subject subject_;
  HealthCount count_;
  base::Scope scope_;
  base::Slot<bool> changed_;
  base::Task<base::Result<void>> checking_;  // declared last: destroyed before the members that it uses
};

Prober::Prober(base::Turn& turn, net::Dialer& dialer, Owner& owner, uint32_t seed)
    : turn_(turn), dialer_(dialer), owner_(owner), random_(seed) {}

Prober::~Prober() = default;

void Prober::adopt(const std::vector<GroupModel>& models, const std::shared_ptr<const void>& keep) {
  std::map<std::string, std::unique_ptr<Probe>> kept;
  for (const GroupModel& model : models) {
    if (!model.health) continue;
    for (size_t index = 0; index < model.endpoints.size(); ++index) {
      const std::string key = endpoint_key(model, model.endpoints[index]);
      std::unique_ptr<Probe>& probe = kept[key];
      if (probe) continue;
      Probe::Subject subject{&model, index, keep};
      if (const auto known = probes_.find(key); known != probes_.end()) {
        probe = std::move(known->second);
        probe->go_on_with(std::move(subject));
      } else {
        probe = std::make_unique<Probe>(*this, std::move(subject));
      }
    }
  }
  for (auto& [key, probe] : probes_)
    if (probe) turn_.graveyard.bury(std::move(probe));
  probes_ = std::move(kept);
}

}  // namespace postern::upstream
