// What another server is asked about a request, and the key under which its answer is kept.
#pragma once

#include <string>

#include "http/head.h"
#include "policy/auth_desk.h"

namespace postern::proxy {

struct ExchangeState;

// A request without a body. It has the client's fields, without those of one connection, of the body, of a
// conditional or partial request and of a WebSocket handshake, and without forged ones; and it says what the
// request was, in the fields that Traefik and Caddy send (X-Forwarded-Method, -Proto, -Host, -Uri, -For) and
// in those of nginx's examples (X-Original-Method, -URL, -URI). A server that gives tokens is told nothing of
// what the client asks for, which may have the expired token in it. Host is left to the sender, but where the
// route says what its own upstream gets. The head owns all its text, so it may outlive the exchange.
http::RequestHead auth_question(const ExchangeState& exchange, const policy::AuthServer& server);

// Appends everything that decides about the answer. Two texts are equal only where all of that is equal.
// `server` has a cache. Returns false when the answer may serve nobody else: the rules name fields or cookies
// that tell clients apart, and the request has none of them, so the server may decide by something else.
bool append_auth_key(const ExchangeState& exchange, const policy::AuthServer& server, std::string& text);

}  // namespace postern::proxy
