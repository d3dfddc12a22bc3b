// Whether and how the body of a response is compressed for the client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "coding/encoding_pump.h"
#include "coding/negotiation.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// What the client accepts, on a route with compression. The client's fields may be rewritten for the
// endpoint, so they are read before that. The result points into the request.
coding::Request read_encodings(const ExchangeState& exchange);

// The size of a response's body, if it is known: it was announced, or the whole body has arrived already.
std::optional<uint64_t> known_size(Attempt& attempt, http::Method method);

// Changes the head to match. `size` is the size of the body, if it is known. Null: the body is not encoded,
// or there is none.
std::unique_ptr<coding::Encoder> begin_encoding(const ExchangeState& exchange,
                                                const coding::Request& encodings,
                                                std::optional<uint64_t> size, http::ResponseHead& head);

}  // namespace postern::proxy
