// Accept-Encoding: the content codings that a client can decode (RFC 9110 12.5.3).
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
  // Accepts no coding, as without the field: a client that does not send it may not be able to decode
  // anything.
  Accepted() = default;
  // Elements that cannot be parsed are skipped.
  static Accepted read(const http::Headers& headers);
  static Accepted read(std::string_view field);

  // 1000 times the qvalue; 0: not acceptable. Identity is 0 only when the client says so.
  uint16_t weight(Coding coding) const { return weights_[static_cast<size_t>(coding)]; }
  // The coding of `offered` with the highest weight; the first of several with equal weights. Identity when
  // the client accepts none of them, or prefers identity.
  Coding best(std::span<const Coding> offered) const;

 private:
  void take(std::string_view field);
  void settle();

  static constexpr int16_t unsaid = -1;
  std::array<int16_t, coding_count> said_{unsaid, unsaid, unsaid, unsaid};
  int16_t any_ = unsaid;  // the value of "*"
  std::array<uint16_t, coding_count> weights_{1, 0, 0, 0};
};

}  // namespace postern::coding
