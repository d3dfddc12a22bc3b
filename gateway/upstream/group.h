// One named upstream in one worker: the model of a snapshot, and the endpoints' state that outlives it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "upstream/balancer.h"
#include "upstream/group_model.h"
#include "upstream/group_state.h"
#include "upstream/pick.h"
#include "upstream/request_view.h"

namespace postern::upstream {

class Group {
 public:
  // `endpoints` are in the model's order. `seed` is for random choices.
  Group(const GroupModel& model, GroupStateRef state, std::vector<EndpointRef> endpoints, uint64_t seed);

  const GroupModel& model() const { return model_; }
  GroupState& state() const { return *state_; }
  const EndpointRef& endpoint(size_t index) const { return endpoints_[index]; }
  size_t size() const { return endpoints_.size(); }

  // Picks an endpoint for the next attempt, none of `tried`. Among the available ones, backups come last; a
  // backup does not replace a primary endpoint that is at its limit. When none is available, those with the
  // better Availability come first. The endpoint of the session is preferred among equally good ones.
  Pick pick(const RequestView& request, std::span<const size_t> tried);

  // With GroupModel::learn: recall() returns the endpoint that gave this value, if it belongs to the group;
  // learn() stores that it did; forget() removes the value.
  std::optional<size_t> recall(std::string_view value) const;
  void learn(std::string_view value, size_t endpoint);
  void forget(std::string_view value);

 private:
  // Fills candidates_ with the best endpoints; returns true when better ones are all at their limit.
  bool gather(std::span<const size_t> tried);
  size_t choose(const RequestView& request);
  bool is_full(std::optional<size_t> session) const;  // available, but at its limit

  const GroupModel& model_;
  GroupStateRef state_;
  std::vector<EndpointRef> endpoints_;
  std::vector<uint64_t> identities_;   // in the order of endpoints_
  std::vector<Candidate> candidates_;  // reserved for all endpoints
  Random random_;
};

}  // namespace postern::upstream
