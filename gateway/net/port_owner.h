// Finds the process that listens on a port, as far as /proc shows it to this user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace postern::net {

struct PortOwner {
  int pid = 0;
  std::string name;  // of the program, printable
};

// Returns a process that has a listening TCP socket on `port`, on any address; this process only if no other
// has one. Nothing when no process can be found. Blocks on /proc for some milliseconds.
std::optional<PortOwner> find_port_owner(uint16_t port);

}  // namespace postern::net
