// How far the bytes of a TCP connection have come.
#pragma once

#include "net/transport.h"

namespace postern::net {

// Nothing for other sockets.
Transport::Transit tcp_transit(int descriptor);

}  // namespace postern::net
