// Limits with their inheritance: the document, and a listener.
#pragma once

#include <initializer_list>

#include "config/document.h"
#include "proxy/snapshot.h"

namespace postern::config {

// What the last of `documents` that says something says, or else the default.
proxy::ListenerLimits listener_limits(std::initializer_list<const ListenerLimitsDocument*> documents);

}  // namespace postern::config
