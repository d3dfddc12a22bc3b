#include "net/tcp_transit.h"

// The kernel's header has tcpi_bytes_acked (Linux 4.1). The C library's header does not have it, and the two
// cannot be included together.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace postern::net {

Transport::Transit socket_transit(int descriptor, uint64_t sent) {
  int queued = 0;
  if (ioctl(descriptor, SIOCOUTQ, &queued) != 0) queued = 0;
  const auto outstanding = static_cast<size_t>(queued);
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
    return {info.tcpi_bytes_acked, outstanding};
  return {sent - std::min<uint64_t>(sent, outstanding), outstanding};
}

}  // namespace postern::net
