#include "state/process_state.h"

namespace postern::state {
namespace {

template <class Value>
std::vector<std::shared_ptr<Value>> bind_all(ByName<Value>& all, const std::vector<std::string>& names) {
  std::vector<std::shared_ptr<Value>> bound;
  bound.reserve(names.size());
  for (const std::string& name : names) bound.push_back(all.of(name));
  all.forget_unused();
  return bound;
}

}  // namespace

Bindings ProcessState::bind(const Names& names) {
  Bindings bound;
  for (const RateLimitSettings& settings : names.rate_limits)
    bound.rate_limits.push_back(rate_limits_.of(
        settings.name, [&](const RateLimiter& known) { return known.settings() == settings; },
        [&] { return std::make_shared<LocalRateLimiter>(settings); }));
  rate_limits_.forget_unused();
  for (const std::string& name : names.keys) bound.keys.push_back(keys.of(name));
  bound.socket_counts = bind_all(socket_counts_, names.socket_counts);
  bound.stream_counts = bind_all(stream_counts_, names.stream_counts);
  bound.admission_lines = bind_all(admission_lines_, names.admission_lines);
  return bound;
}

}  // namespace postern::state
