// Which process listens on a port, as far as /proc shows it to this user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace postern::net {

struct PortOwner {
  int pid = 0;
  std::string name;  // of the program, printable
};

// A process that has a listening TCP socket on `port`, on whatever address; this one where no other has.
// Blocks on /proc for some milliseconds; nothing where none can be seen.
std::optional<PortOwner> find_port_owner(uint16_t port);

}  // namespace postern::net
