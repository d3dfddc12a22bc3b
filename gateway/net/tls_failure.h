// Describes why a TLS handshake failed, in words for logs.
#pragma once

#include <string>
#include <string_view>

struct ssl_st;

namespace postern::net {

// Says what the peer offered and what was missing, as far as both are known; else OpenSSL's reason. Must be
// called right after SSL_do_handshake() has failed, on the same thread; clears OpenSSL's error queue.
std::string handshake_failure(ssl_st* ssl);

// Records for handshake_failure() the protocols that a client offers by ALPN (in RFC 7301's wire form), when
// none of them is supported here.
void note_refused_protocols(std::string_view wire_form);

}  // namespace postern::net
