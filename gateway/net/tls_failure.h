// Describes why a TLS handshake failed, in words for logs.
#pragma once

#include <string>
#include <string_view>

struct ssl_st;
struct x509_st;

namespace postern::net {

// Says what the peer offered and what was missing, as far as both are known; else OpenSSL's reason. Must be
// called right after SSL_do_handshake() has failed, on the same thread; clears OpenSSL's error queue.
std::string handshake_failure(ssl_st* ssl);

// Records for handshake_failure() the protocols that a client offers by ALPN (in RFC 7301's wire form), when
// none of them is supported here.
void note_refused_protocols(std::string_view wire_form);

// Records for handshake_failure() which certificate of a client's chain is refused: at depth 0 the client's
// own, and above it those of authorities. Null: none was reached.
void note_refused_certificate(x509_st* certificate, int depth);

// For a client whose connection breaks after the handshake: says that the server refuses its certificate, or
// asks for one, as far as an alert says so; empty: there is no such alert. Must be called right after
// SSL_read() has failed; does not clear OpenSSL's error queue. In TLS 1.3 a server judges the client's
// certificate when the client's handshake is over (RFC 8446 4.4.2.4).
std::string refusal_by_server(ssl_st* ssl);

// Records that the server asks for a certificate, and that there is none for it.
void note_certificate_wanted(ssl_st* ssl);

}  // namespace postern::net
