// What the gateway knows about client libraries that open WebSockets: how to recognise a library by its
// upgrade request, and how it reacts to an answer.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::proxy {

// True for libraries that take an open socket for success, or reset their back-off when a socket opens, but
// that react properly to a status: Engine.IO waits for its own handshake until it times out, the page of Vite
// takes the open socket for the return of its server and reloads, Phoenix restarts its back-off, and
// ASP.NET's older SignalR falls back to another transport only after a status. Newer SignalR is recognised by
// the negotiate request before it; see state::SocketMemory.
bool needs_status(std::string_view query, std::string_view protocols);

// SignalR's clients send the id of the connection that a negotiate request gave them.
bool names_a_connection(std::string_view query);
// The path of the hub that this negotiate request is for; empty if it is not a negotiate request.
std::string_view negotiated_path(std::string_view path);

// Some clients send a token as a subprotocol ("bearer.<token>"); such a value must not be logged.
bool may_hold_token(std::string_view subprotocol);

// Whether a Close with `code` may be sent to a client that offers these subprotocols: some subprotocols give
// codes a meaning of their own, and the client would act on it.
bool may_say(uint16_t code, std::string_view protocols);

}  // namespace postern::proxy
