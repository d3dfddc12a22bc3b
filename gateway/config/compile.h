// Compiles a document into the snapshot that workers serve from. Certificates and keys are read here,
// patterns and routes are compiled. Every problem found has a location, like those of other stages. Compiling
// changes nothing but its results: a snapshot only names the process state that it uses (state/bindings.h).
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

namespace postern::identity {
struct KeySource;
}

namespace postern::config {

struct CompileOptions {
  uint64_t version = 1;
  net::TicketKeys& tickets;  // outlives every snapshot
  int64_t now_unix = 0;      // Unix time in seconds, to find certificates that expire soon
  size_t workers = 1;        // workers that will serve it; each gets an equal share of a rate of the process
  // Receives the keys that were read, for state::KeyStore::take_effect(). Null: the caller does not need
  // them.
  std::vector<state::LoadedKeys>* keys = nullptr;
  // Receives where the other keys are to be fetched from. Null: they are not fetched.
  std::vector<std::shared_ptr<const identity::KeySource>>* key_sources = nullptr;
  std::optional<uint16_t> demo_port{};  // of the application for "demo:" endpoints; without it (when a
                                        // file is only checked) such an endpoint gets port 0
};

// Reads files, and blocks meanwhile. On failure returns every problem, sorted. `notes` receives sentences for
// the operator's log about weak keys and keys that were left out.
tl::expected<std::shared_ptr<const proxy::Snapshot>, Diagnostics> compile(const Document& document,
                                                                          const CompileOptions& options,
                                                                          Diagnostics& notes);

// Returns the address that a listener with this host binds: an address literal, localhost, or (empty) every
// address. Nullopt: it is another name, which is not resolved.
std::optional<base::IpAddress> listen_address(const std::string& host);

// Whether an endpoint of the document is "demo:".
bool uses_demo(const Document& document);

}  // namespace postern::config
