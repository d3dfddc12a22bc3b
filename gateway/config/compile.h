// From a document to what workers serve from: certificates and keys are read here, patterns and routes
// compiled. Whatever is wrong with them is a problem with a location, like all others. Nothing outside the
// results changes, good or bad: a snapshot names what it uses of the process's state (state/bindings.h).
#pragma once

#include <memory>
#include <optional>

#include <tl/expected.hpp>

#include "base/ip_address.h"
#include "config/compile_policy.h"
#include "config/diagnostics.h"
#include "config/document.h"
#include "net/tls_context.h"
#include "proxy/snapshot.h"
#include "state/key_store.h"

namespace postern::config {

struct CompileOptions {
  uint64_t version = 1;
  net::TicketKeys& tickets;  // outlives every snapshot
  int64_t now_unix = 0;      // seconds; certificates that end soon are judged by it
  size_t workers = 1;        // that will serve it; what is one worker's share is divided by it
  // Gets the keys that were read, for state::KeyStore::take_effect(); null: nobody wants them.
  std::vector<state::LoadedKeys>* keys = nullptr;
  std::optional<uint16_t> demo_port{};  // where the application for "demo:" endpoints listens; without it
                                        // (a mere check) such an endpoint gets port 0
};

// Blocks on files. `notes` gets sentences for the operator's log (weak keys, keys that were left out).
tl::expected<std::shared_ptr<const proxy::Snapshot>, Diagnostics> compile(const Document& document,
                                                                          const CompileOptions& options,
                                                                          Diagnostics& notes);

// The host of a listener: an address, a name for loopback, or (empty) every address.
std::optional<base::IpAddress> listen_address(const std::string& host);

bool uses_demo(const Document& document);

}  // namespace postern::config
