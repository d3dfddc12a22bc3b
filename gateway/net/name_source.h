// The interface for name resolution: queries and their answers. It separates the resolver, which caches, from
// the network; tests give the answers themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"

namespace postern::net {

enum class NameKind : uint8_t { host, service };

// One of the servers of a service (an SRV record, RFC 2782).
struct ServiceTarget {
  std::string host;
  uint16_t port = 0;
  uint16_t priority = 0;  // targets with the lowest are tried first
  uint16_t weight = 0;    // its share among the targets of one priority
  friend bool operator==(const ServiceTarget&, const ServiceTarget&) = default;
};

struct NameAnswer {
  std::vector<base::IpAddress> addresses;  // of a host
  std::vector<ServiceTarget> targets;      // of a service
  base::Duration lifetime{};               // the shortest TTL of the records it comes from
};

class NameSource {
 public:
  // One of the two functions is called, once for each query, possibly from within ask(). The asker must exist
  // until then, or as long as the source.
  class Asker {
   public:
    virtual void on_answer(NameAnswer answer) = 0;      // never empty
    virtual void on_failure(std::string_view why) = 0;  // a few words, of static storage

   protected:
    ~Asker() = default;
  };

  virtual ~NameSource() = default;
  virtual void ask(NameKind kind, const std::string& name, Asker& asker) = 0;
};

}  // namespace postern::net
