// Whatever a name server replies: targets are within their bounds, and ordering them loses none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "base/check.h"
#include "net/service_records.h"

namespace {

using namespace postern;
using namespace postern::net;

bool before(const ServiceTarget& a, const ServiceTarget& b) {
  return std::tie(a.priority, a.weight, a.port, a.host) < std::tie(b.priority, b.weight, b.port, b.host);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answer = read_service_reply({reinterpret_cast<const std::byte*>(data), size});
  if (!answer) return 0;
  base::check(!answer->targets.empty() && answer->targets.size() <= service_targets_max, "a bounded number");
  base::check(answer->addresses.empty() && answer->lifetime >= base::Duration::zero(), "and a life");
  for (const ServiceTarget& target : answer->targets)
    base::check(!target.host.empty() && target.port != 0, "of servers that can be connected to");
  std::vector<ServiceTarget> ordered = answer->targets;
  std::minstd_rand random(static_cast<uint32_t>(size) + 1);
  order_targets(ordered, random);
  base::check(
      std::is_sorted(ordered.begin(), ordered.end(),
                     [](const ServiceTarget& a, const ServiceTarget& b) { return a.priority < b.priority; }),
      "the lowest priority first");
  std::vector<ServiceTarget> all = answer->targets;
  std::sort(all.begin(), all.end(), before);
  std::sort(ordered.begin(), ordered.end(), before);
  base::check(all == ordered, "ordering loses nobody");
  return 0;
}
