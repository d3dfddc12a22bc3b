// The `websocket` sections, of the document and of a route.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Changes what `document` has where the section says something.
void decode_websocket(const Value& value, WebSocketDocument& document);

}  // namespace postern::config
