// Asks an authentication server about the request of one exchange.
#pragma once

#include "policy/auth_desk.h"

namespace postern::proxy {

struct ExchangeState;

class ExchangeAuth final : public policy::AuthDesk {
 public:
  explicit ExchangeAuth(ExchangeState& exchange) : exchange_(exchange) {}  // which owns this
  Reply ask(const policy::AuthServer& server, bool alone) override;
  void count(const policy::AuthServer& server, policy::AuthOutcome outcome) override;

 private:
  ExchangeState& exchange_;
};

}  // namespace postern::proxy
