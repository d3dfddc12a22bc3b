// From what the file says about failing endpoints to what the upstream module needs.
#pragma once

#include "config/document.h"
#include "upstream/group_model.h"

namespace postern::config {

void compile_resilience(const UpstreamDocument& document, upstream::GroupModel& model);

}  // namespace postern::config
