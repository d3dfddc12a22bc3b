// Counts the open WebSockets, or event streams, by key: of a route, of each client, of each subject. All
// workers share the counts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace postern::state {

class SocketCounts {
 public:
  // The permit of one socket under a key, returned when this object is destroyed. Any thread; it keeps the
  // counts alive.
  class Permit {
   public:
    Permit(Permit&& other) noexcept : counts_(std::move(other.counts_)), key_(std::move(other.key_)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Permit() {
      if (counts_) counts_->leave(key_);
    }

   private:
    friend class SocketCounts;
    Permit(std::shared_ptr<SocketCounts> counts, std::string key)
        : counts_(std::move(counts)), key_(std::move(key)) {}
    std::shared_ptr<SocketCounts> counts_;
    std::string key_;
  };

  // Returns nothing when `limit` sockets, at least 1, already have permits under `key`. The table contains
  // only keys of open sockets.
  static std::unique_ptr<Permit> enter(const std::shared_ptr<SocketCounts>& counts, std::string key,
                                       uint32_t limit);
  size_t keys() const;

 private:
  void leave(const std::string& key);

  mutable std::mutex mutex_;
  std::map<std::string, uint32_t> open_;
};

}  // namespace postern::state
