// One named upstream as a worker runs it: the model of a snapshot, and the endpoints' state that outlives it.
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
  // `endpoints` stand in the model's order. `seed` is for choices by lot.
  Group(const GroupModel& model, GroupStateRef state, std::vector<EndpointRef> endpoints, uint64_t seed);

  const GroupModel& model() const { return model_; }
  GroupState& state() const { return *state_; }
  const EndpointRef& endpoint(size_t index) const { return endpoints_[index]; }
  size_t size() const { return endpoints_.size(); }

  // An endpoint for the next attempt, none of `tried`. Of those that are available, backups come last; a
  // primary one at its limit is not stood in for by a backup. When none is available, the better Standing
  // goes first. The endpoint of a session goes before all that are no better.
  Pick pick(const RequestView& request, std::span<const size_t> tried);

  // With GroupModel::learn: the endpoint that gave this value, if it is one of the group; that it did so; and
  // that the value means nothing any more.
  std::optional<size_t> recall(std::string_view value) const;
  void learn(std::string_view value, size_t endpoint);
  void forget(std::string_view value);

 private:
  // Fills candidates_ with the best that there are; true when better ones are all at their limit.
  bool gather(std::span<const size_t> tried);
  size_t choose(const RequestView& request);
  bool is_full(std::optional<size_t> session) const;  // and nothing else is wrong with it

  const GroupModel& model_;
  GroupStateRef state_;
  std::vector<EndpointRef> endpoints_;
  std::vector<uint64_t> identities_;   // in the same order
  std::vector<Candidate> candidates_;  // room for all
  Random random_;
};

}  // namespace postern::upstream
