#include "net/tcp_transit.h"

// The kernel's own header has tcpi_bytes_acked (Linux 4.1); the C library's, which cannot stand beside it,
// has not.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace postern::net {

Transport::Transit tcp_transit(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  int outstanding = 0;
  if (ioctl(descriptor, SIOCOUTQ, &outstanding) != 0) outstanding = 0;
  return {info.tcpi_bytes_acked, static_cast<size_t>(outstanding)};
}

}  // namespace postern::net
