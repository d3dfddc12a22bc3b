// Reads SRV records (RFC 2782) from a DNS reply, and chooses the order in which their targets are tried.
#pragma once

#include <optional>
#include <random>

#include "base/chunk.h"
#include "net/name_source.h"

namespace postern::net {

// At most this many targets of a reply are used.
inline constexpr size_t service_targets_max = 64;

// Returns nothing when the reply is malformed or has no usable target.
std::optional<NameAnswer> read_service_reply(base::Bytes reply);

// Orders by priority; within one priority at random, by weight.
void order_targets(std::vector<ServiceTarget>& targets, std::minstd_rand& random);

}  // namespace postern::net
