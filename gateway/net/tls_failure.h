// Why a TLS handshake failed, in words for logs.
#pragma once

#include <string>
#include <string_view>

struct ssl_st;

namespace postern::net {

// What the peer offered and what was missing, as far as the two can be told; else OpenSSL's reason. To be
// asked right after SSL_do_handshake() has failed, on the same thread; clears OpenSSL's queue of errors.
std::string handshake_failure(ssl_st* ssl);

// Tells handshake_failure() of the protocols that a client offers by ALPN (RFC 7301's wire form), where none
// of them is spoken here.
void note_refused_protocols(std::string_view wire_form);

}  // namespace postern::net
