// Reading SRV records (RFC 2782) from a name server's reply, and the order in which their targets are tried.
#pragma once

#include <optional>
#include <random>

#include "base/chunk.h"
#include "net/name_source.h"

namespace postern::net {

// At most this many targets of a reply are taken.
inline constexpr size_t service_targets_max = 64;

// Nothing: not a whole reply, or none with a server to go to.
std::optional<NameAnswer> read_service_reply(base::Bytes reply);

// By priority; within one, at random by weight.
void order_targets(std::vector<ServiceTarget>& targets, std::minstd_rand& random);

}  // namespace postern::net
