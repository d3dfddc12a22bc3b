// The answers that the gateway gives by itself, as values: the exchange sends them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "coding/encoding_pump.h"
#include "files/site.h"
#include "http/local_response.h"
#include "proxy/exchange_state.h"

namespace postern::proxy {

// On a listener that leads clients to https: the redirect. nullopt: the request is served.
base::Result<std::optional<http::LocalResponse>> redirect_to_https(ExchangeState& exchange);

// For a route whose action is a redirect or a fixed answer. nullopt: the action is another one.
base::Result<std::optional<http::LocalResponse>> action_answer(ExchangeState& exchange);

// For a route whose action is a folder: the file, or another answer.
base::Result<std::variant<files::Found, http::LocalResponse>> find_file(ExchangeState& exchange,
                                                                        const files::Site& site);

// Finishes the head of a file for this client, and says how its body is compressed; null: it is not.
std::unique_ptr<coding::Encoder> finish_head(const ExchangeState& exchange, files::Found& found);

// For a request that must not be forwarded: one in a loop fails, and one with Max-Forwards: 0 gets an answer
// (RFC 9110 7.6.2). nullopt: the request may be forwarded.
base::Result<std::optional<http::LocalResponse>> check_forwarding(ExchangeState& exchange);

// Fills the head for this client and returns the body.
std::string render(const ExchangeState& exchange, const http::LocalResponse& response,
                   http::ResponseHead& head);

}  // namespace postern::proxy
