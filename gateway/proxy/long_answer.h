// What an exchange keeps of an answer that stays open.
#pragma once

#include <optional>

#include "proxy/event_stream.h"
#include "proxy/exchange.h"
#include "proxy/stream_set.h"

namespace postern::proxy {

struct Exchange::LongAnswer {
  LongAnswer(StreamSet& set, std::string_view route) : open(set, route) {}
  StreamSet::Open open;
  std::optional<EventStream> events;  // nothing: it is an answer of another type
};

}  // namespace postern::proxy
