// How far the bytes of a socket have come.
#pragma once

#include "net/transport.h"

namespace postern::net {

// `sent`: bytes that the kernel was given in all. Of a TCP socket the kernel counts what was acknowledged; of
// others it knows what the peer has yet to read, and too much rather than too little.
Transport::Transit socket_transit(int descriptor, uint64_t sent);

}  // namespace postern::net
