// The state that an exchange keeps for a long answer, a response without a length that stays open.
#pragma once

#include <optional>

#include "proxy/event_stream.h"
#include "proxy/exchange.h"
#include "proxy/stream_set.h"

namespace postern::proxy {

struct Exchange::LongAnswer {
  LongAnswer(StreamSet& set, std::string_view route) : open(set, route) {}
  StreamSet::Open open;
  std::optional<EventStream> events;  // nullopt: the response has another type than text/event-stream
};

}  // namespace postern::proxy
