// The admin module knows the operator's questions over local HTTP: numbers and health. It provides the server
// that answers them on the control thread. It must not know what workers are made of: what it needs from the
// process is declared in this file, and `app` implements it.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::admin {

enum class Health : uint8_t { starting, serving, draining };

constexpr std::string_view label(Health health) {
  switch (health) {
    case Health::starting: return "starting";
    case Health::serving: return "serving";
    case Health::draining: return "draining";
  }
  return "unknown";
}

class RevokeReader;

class Source {
 public:
  virtual Health health() const = 0;
  // Asks every worker for a copy of its numbers. Their sum is passed to AdminServer::give() later, once.
  virtual void collect() = 0;
  // A request has added revocations, or was refused because the table is full.
  virtual void on_revoked(const RevokeReader& reader) = 0;

 protected:
  ~Source() = default;
};

}  // namespace postern::admin
