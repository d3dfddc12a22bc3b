#include "state/client_counts.h"

#include <numeric>

namespace postern::state {

ClientCounts::Stripe& ClientCounts::stripe_of(const base::IpAddress& network) {
  const Network& bytes = network.bytes();
  return stripes_[std::accumulate(bytes.begin(), bytes.end(), size_t{0}) % stripe_count];
}

ClientCounts::Permit ClientCounts::enter(const base::IpAddress& client, uint32_t limit) {
  const base::IpAddress network = client.client_network();
  Stripe& stripe = stripe_of(network);
  const std::lock_guard<std::mutex> lock(stripe.mutex);
  uint32_t& count = stripe.connections[{network.is_v6(), network.bytes()}];
  if (count >= limit) return {};
  ++count;
  return {*this, network};
}

void ClientCounts::leave(const base::IpAddress& client) {
  Stripe& stripe = stripe_of(client);
  const std::lock_guard<std::mutex> lock(stripe.mutex);
  const auto found = stripe.connections.find({client.is_v6(), client.bytes()});
  if (--found->second == 0) stripe.connections.erase(found);
}

size_t ClientCounts::clients() const {
  size_t count = 0;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard<std::mutex> lock(stripe.mutex);
    count += stripe.connections.size();
  }
  return count;
}

}  // namespace postern::state
