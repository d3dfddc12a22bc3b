#include "state/socket_counts.h"

namespace postern::state {

std::unique_ptr<SocketCounts::Permit> SocketCounts::enter(const std::shared_ptr<SocketCounts>& counts,
                                                          std::string key, uint32_t limit) {
  const std::lock_guard<std::mutex> lock(counts->mutex_);
  uint32_t& open = counts->open_[key];
  if (open >= limit) return nullptr;
  ++open;
  return std::unique_ptr<Permit>(new Permit(counts, std::move(key)));
}

void SocketCounts::leave(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto entry = open_.find(key);
  if (--entry->second == 0) open_.erase(entry);
}

size_t SocketCounts::keys() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return open_.size();
}

}  // namespace postern::state
