// The admin module knows the operator's questions over local HTTP: numbers, health. It gives the server that
// answers them on the control thread; it must not know what workers are made of. What it asks of the process
// it declares here, and `app` implements it.
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

class Source {
 public:
  virtual Health health() const = 0;
  // Asks every worker for a copy of its numbers; their sum goes to AdminServer::give(), later, once.
  virtual void collect() = 0;

 protected:
  ~Source() = default;
};

}  // namespace postern::admin
