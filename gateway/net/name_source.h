// Who answers questions about names, and what an answer is. The seam between the resolver, which remembers,
// and the network; tests answer by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"

namespace postern::net {

enum class NameKind : uint8_t { host, service };

// One of the servers of a service (RFC 2782).
struct ServiceTarget {
  std::string host;
  uint16_t port = 0;
  uint16_t priority = 0;  // the lowest first
  uint16_t weight = 0;    // its share among those of one priority
  friend bool operator==(const ServiceTarget&, const ServiceTarget&) = default;
};

struct NameAnswer {
  std::vector<base::IpAddress> addresses;  // of a host
  std::vector<ServiceTarget> targets;      // of a service
  base::Duration lifetime{};               // the shortest TTL of what it is made of
};

class NameSource {
 public:
  // Told one of the two, once for each question; perhaps from within ask(). It must live until then, or as
  // long as the source.
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
