#include "upstream/group.h"

#include <algorithm>

namespace postern::upstream {
namespace {

// The order of preference: available endpoints, with backups after the others; then the rest by their
// availability.
constexpr int rank_of_none = 4;
int rank_of(Availability availability, bool backup) {
  switch (availability) {
    case Availability::available: return backup ? 1 : 0;
    case Availability::cooling_down: return 2;
    case Availability::down: return 3;
  }
  return rank_of_none;
}

}  // namespace

Group::Group(const GroupModel& model, GroupStateRef state, std::vector<EndpointRef> endpoints, uint64_t seed)
    : model_(model), state_(std::move(state)), endpoints_(std::move(endpoints)), random_(seed) {
  candidates_.reserve(endpoints_.size());
  identities_.reserve(endpoints_.size());
  for (const EndpointModel& endpoint : model.endpoints) identities_.push_back(hash_of(endpoint.text));
}

Pick Group::pick(const RequestView& request, std::span<const size_t> tried) {
  if (endpoints_.size() == 1 && tried.empty()) {  // the usual group has only one endpoint
    Permit permit(endpoints_.front());
    const bool full = !permit;
    return {0, std::move(permit), full, false};
  }
  // Another worker may take the last free permit first; then the next round sees that the endpoint is full.
  for (size_t round = 0; round <= endpoints_.size(); ++round) {
    const bool better_are_full = gather(tried);
    if (better_are_full || candidates_.empty()) return {0, {}, better_are_full, false};
    const size_t index = candidates_[choose(request)].index;
    Permit permit(endpoints_[index]);
    if (permit)
      return {index, std::move(permit), false, index != request.session && is_full(request.session)};
  }
  return {0, {}, true, false};
}

std::optional<size_t> Group::recall(std::string_view value) const {
  const std::optional<uint64_t> identity = state_->learned->find(value);
  const auto found =
      identity ? std::find(identities_.begin(), identities_.end(), *identity) : identities_.end();
  if (found == identities_.end()) return std::nullopt;
  return static_cast<size_t>(found - identities_.begin());
}

void Group::learn(std::string_view value, size_t endpoint) {
  state_->learned->learn(value, identities_[endpoint], model_.learn->values_max);
}

void Group::forget(std::string_view value) { state_->learned->forget(value); }

bool Group::is_full(std::optional<size_t> session) const {
  if (!session) return false;
  const Endpoint& endpoint = *endpoints_[*session];
  return endpoint.availability() == Availability::available && endpoint.full();
}

bool Group::gather(std::span<const size_t> tried) {
  int best = rank_of_none;
  int best_full = rank_of_none;
  candidates_.clear();
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (std::find(tried.begin(), tried.end(), i) != tried.end()) continue;
    Endpoint& endpoint = *endpoints_[i];
    const EndpointModel& model = model_.endpoints[i];
    const int rank = rank_of(endpoint.availability(), model.backup);
    if (rank > best) continue;
    if (endpoint.full()) {
      best_full = std::min(best_full, rank);
      continue;
    }
    if (rank < best) candidates_.clear();
    best = rank;
    candidates_.push_back({i, model.weight * endpoint.share_of_weight(model_.slow_start), endpoint.load(),
                           identities_[i], &endpoint.credit()});
  }
  return best_full < best;
}

size_t Group::choose(const RequestView& request) {
  if (candidates_.size() == 1) return 0;
  if (request.session)
    for (size_t i = 0; i < candidates_.size(); ++i)
      if (candidates_[i].index == *request.session) return i;
  switch (model_.balance) {
    case Balance::round_robin: break;
    case Balance::least_connections: return least_loaded(candidates_);
    case Balance::power_of_two_choices: return less_loaded_of_two(candidates_, random_);
    case Balance::random: return at_random(candidates_, random_);
    case Balance::hash:
      if (const auto key = hash_key(model_.hash, request)) return by_key(candidates_, *key);
      break;
  }
  return in_turn(candidates_);
}

}  // namespace postern::upstream
