// What a client says it can decode (RFC 9110 12.5.3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "coding/coding.h"
#include "http/headers.h"

namespace postern::coding {

class Accepted {
 public:
  // Nothing, from no field at all: who says nothing may not be able to decode anything.
  Accepted() = default;
  // Elements that cannot be read are passed over.
  static Accepted read(const http::Headers& headers);
  static Accepted read(std::string_view field);

  // 1000 times the qvalue; 0: not to be used. Identity is 0 only where the client says so.
  uint16_t weight(Coding coding) const { return weights_[static_cast<size_t>(coding)]; }
  // The coding of `offered` that the client likes best, and the first one of several that it likes alike.
  // Identity when it accepts none of them, or says that it likes that better.
  Coding best(std::span<const Coding> offered) const;

 private:
  void take(std::string_view field);
  void settle();

  static constexpr int16_t unsaid = -1;
  std::array<int16_t, coding_count> said_{unsaid, unsaid, unsaid, unsaid};
  int16_t any_ = unsaid;  // of "*"
  std::array<uint16_t, coding_count> weights_{1, 0, 0, 0};
};

}  // namespace postern::coding
