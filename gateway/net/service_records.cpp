#include "net/service_records.h"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>

namespace postern::net {
namespace {

constexpr size_t fixed_size = 6;  // priority, weight and port, which come before the target's name

std::optional<ServiceTarget> read_target(const ns_msg& message, const ns_rr& record) {
  if (ns_rr_rdlen(record) <= fixed_size) return std::nullopt;
  const unsigned char* data = ns_rr_rdata(record);
  std::array<char, NS_MAXDNAME> name{};
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + fixed_size, name.data(),
                         name.size()) < 0)
    return std::nullopt;
  ServiceTarget target;
  target.priority = static_cast<uint16_t>(ns_get16(data));
  target.weight = static_cast<uint16_t>(ns_get16(data + 2));
  target.port = static_cast<uint16_t>(ns_get16(data + 4));
  target.host = name.data();
  // The root as a target means that the service is not available; port 0 cannot be connected to.
  if (target.host.empty() || target.host == "." || target.port == 0) return std::nullopt;
  return target;
}

}  // namespace

std::optional<NameAnswer> read_service_reply(base::Bytes reply) {
  ns_msg message;
  const auto* bytes = reinterpret_cast<const unsigned char*>(reply.data());
  if (reply.size() > NS_MAXMSG || ns_initparse(bytes, static_cast<int>(reply.size()), &message) != 0)
    return std::nullopt;
  NameAnswer answer;
  answer.lifetime = base::no_limit;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return std::nullopt;
    if (ns_rr_class(record) != ns_c_in) continue;
    // The lifetime is limited by the TTL of each CNAME in the reply, too.
    answer.lifetime = std::min<base::Duration>(answer.lifetime, std::chrono::seconds(ns_rr_ttl(record)));
    if (ns_rr_type(record) != ns_t_srv || answer.targets.size() == service_targets_max) continue;
    if (auto target = read_target(message, record)) answer.targets.push_back(std::move(*target));
  }
  if (answer.targets.empty()) return std::nullopt;
  return answer;
}

void order_targets(std::vector<ServiceTarget>& targets, std::minstd_rand& random) {
  std::stable_sort(targets.begin(), targets.end(),
                   [](const ServiceTarget& a, const ServiceTarget& b) { return a.priority < b.priority; });
  for (auto first = targets.begin(); first != targets.end(); ++first) {
    const auto last = std::find_if(
        first, targets.end(), [&](const ServiceTarget& other) { return other.priority != first->priority; });
    // A target of weight 0 has a small chance next to others; among targets of weight 0 all are equal.
    uint64_t sum = 0;
    for (auto at = first; at != last; ++at) sum += at->weight * uint64_t{16} + 1;
    uint64_t drawn = std::uniform_int_distribution<uint64_t>(0, sum - 1)(random);
    auto chosen = first;
    for (; drawn >= chosen->weight * uint64_t{16} + 1; ++chosen) drawn -= chosen->weight * uint64_t{16} + 1;
    std::rotate(first, chosen, chosen + 1);
  }
}

}  // namespace postern::net
