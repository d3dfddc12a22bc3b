// What the gateway knows of the libraries by which clients open WebSockets: how an upgrade shows which one it
// is, and what that library makes of an answer.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::proxy {

// The libraries that take an open socket for success, or forget by it how often they have failed, and that
// know what to do with a status: Engine.IO waits for its handshake until its time is up, the page of Vite
// takes the socket for the return of its server and loads itself anew, Phoenix begins its back-off anew, and
// ASP.NET's older SignalR falls back to another transport only after a status. Newer SignalR is recognised by
// the negotiate before it; see SocketMemory.
bool needs_status(std::string_view query, std::string_view protocols);

// SignalR's clients name the connection that a negotiate gave them.
bool names_a_connection(std::string_view query);
// The path whose negotiate this is; empty: it is none.
std::string_view negotiated_path(std::string_view path);

// Whether a Close may say `code` to a client that offers these subprotocols: some give codes of their own a
// meaning, and a client would act on that.
bool may_say(uint16_t code, std::string_view protocols);

}  // namespace postern::proxy
