// One named upstream as a worker runs it: the model of a snapshot, and the endpoints' state that outlives it.
#pragma once

#include <optional>
#include <vector>

#include "upstream/endpoint.h"
#include "upstream/group_model.h"

namespace postern::upstream {

class Group {
 public:
  // `endpoints` stand in the model's order.
  Group(const GroupModel& model, std::vector<EndpointRef> endpoints)
      : model_(model), endpoints_(std::move(endpoints)) {}

  const GroupModel& model() const { return model_; }
  const EndpointRef& endpoint(size_t index) const { return endpoints_[index]; }
  size_t size() const { return endpoints_.size(); }

  // The endpoint for the next attempt, none of `tried`; those that rest after a failure come last. Nothing
  // when all were tried.
  std::optional<size_t> pick(const std::vector<size_t>& tried);

 private:
  const GroupModel& model_;
  std::vector<EndpointRef> endpoints_;
  size_t turn_ = 0;  // round robin
};

}  // namespace postern::upstream
