// How many of the bytes written to a socket have arrived at the peer.
#pragma once

#include "net/transport.h"

namespace postern::net {

// `sent` is the total number of bytes given to the kernel. For a TCP socket the kernel counts the
// acknowledged bytes; for other sockets it knows what the peer has not read yet, and may report too much but
// never too little.
Transport::Transit socket_transit(int descriptor, uint64_t sent);

}  // namespace postern::net
