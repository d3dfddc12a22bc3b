// What the log needs of a tunnel's exchange, in one allocation: the rest of the exchange no longer exists.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "telemetry/access_log.h"

namespace postern::tunnel {

class TunnelFacts {
 public:
  TunnelFacts() = default;
  TunnelFacts(const telemetry::TunnelRecord& record, bool logged);
  telemetry::TunnelRecord record() const;
  bool logged() const { return logged_; }

 private:
  static constexpr size_t count = 18;
  std::string text_;
  std::array<uint32_t, count> ends_{};
  base::Duration handshake_{};
  std::optional<base::Duration> held_{};
  bool logged_ = true;
};

}  // namespace postern::tunnel
