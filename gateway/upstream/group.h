// One named upstream as a worker runs it: the model of a snapshot, and the endpoints' state that outlives it.
#pragma once

#include <optional>
#include <vector>

#include "upstream/endpoint.h"
#include "upstream/group_model.h"
#include "upstream/group_state.h"

namespace postern::upstream {

class Group {
 public:
  // `endpoints` stand in the model's order.
  Group(const GroupModel& model, GroupStateRef state, std::vector<EndpointRef> endpoints)
      : model_(model), state_(std::move(state)), endpoints_(std::move(endpoints)) {}

  const GroupModel& model() const { return model_; }
  GroupState& state() const { return *state_; }
  const EndpointRef& endpoint(size_t index) const { return endpoints_[index]; }
  size_t size() const { return endpoints_.size(); }

  // The endpoint for the next attempt, none of `tried`; the better Standing goes first. Nothing when all were
  // tried.
  std::optional<size_t> pick(const std::vector<size_t>& tried);

 private:
  const GroupModel& model_;
  GroupStateRef state_;
  std::vector<EndpointRef> endpoints_;
  size_t turn_ = 0;  // round robin
};

}  // namespace postern::upstream
