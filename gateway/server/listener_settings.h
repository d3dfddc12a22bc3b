// The settings for all connections of one listener.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "http/stream.h"
#include "proxy/snapshot.h"

namespace postern::server {

// A reload changes them in place, so that a connection that waits for its next request uses the new
// configuration and keeps nothing of the old one. They outlive the listener.
struct ListenerSettings {
  proxy::ListenerLimits limits;
  std::optional<uint16_t> redirect_port;                            // as in http::ClientFacts
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // as in http::ClientFacts
  std::shared_ptr<const net::ClientVerifier> certificates;          // null: clients are asked for none
};
using ListenerSettingsRef = base::LocalRc<ListenerSettings>;

// Brings the facts of a connection up to date between two requests.
void refresh(http::ClientFacts& facts, const ListenerSettings& settings);

}  // namespace postern::server
