#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace postern::bench {

/// Nanoseconds on a processor of all threads of these processes, from /proc/PID/task/*/schedstat.
/// Throws std::runtime_error when a process is gone or the kernel keeps no such account.
std::uint64_t processor_time_ns(const std::vector<pid_t>& processes);

}  // namespace postern::bench
