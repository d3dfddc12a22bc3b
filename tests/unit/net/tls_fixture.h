// Both ends of a TLS connection over a wire in memory, with certificates of an authority made for the run.
#pragma once

#include <doctest/doctest.h>
#include <string>
#include "loop_fixture.h"
#include "net/tls_transport.h"
#include "support/certificates.h"
#include "support/memory_transport.h"
#include "support/raw_tls_client.h"
#include "support/watched_task.h"

namespace postern::tls_fixture {

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;
using base::Cause;
using support::CertificateAuthority;
using support::ScriptedPeer;
using support::TurnFixture;

inline CertificateAuthority& authority() {
  static CertificateAuthority one;
  return one;
}

inline std::unique_ptr<const ServerTls> serve(const std::vector<ServerTlsOptions::Files>& files,
                                              TicketKeys& tickets, bool only_1_3 = false) {
  auto made = ServerTls::make({.certificates = files, .tls1_3_only = only_1_3, .ciphers = {}}, tickets);
  INFO("error: " << (made ? std::string() : made.error()));
  REQUIRE(made);
  return std::move(*made);
}

inline const std::vector<ServerTlsOptions::Files>& usual_files() {
  static const std::vector<ServerTlsOptions::Files> files{
      authority().issue({"good.example", "*.wild.example", "127.0.0.1"})};
  return files;
}

inline std::unique_ptr<const ClientTls> trust(const std::string& ca_file, bool insecure = false) {
  auto made = ClientTls::make({.ca_file = ca_file, .insecure = insecure});
  REQUIRE(made);
  return std::move(*made);
}

inline std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

inline base::Task<base::Result<bool>> await_handshake(base::Scope& scope, TlsTransport& transport) {
  base::Result<bool> shaken = co_await transport.handshaken().take(scope);
  co_return shaken;
}

// The outcome of a handshake that has ended.
inline base::Result<bool> outcome_of(TurnFixture& turns, TlsTransport& transport) {
  base::Scope scope(turns.turn);
  support::WatchedTask<base::Result<bool>> task(await_handshake(scope, transport));
  REQUIRE(task.ended());
  return task.outcome();
}

// The gateway's TLS client and TLS server, connected by a wire in memory.
struct Fixture {
  explicit Fixture(const std::string& server_name = "good.example", const std::vector<size_t>& pieces = {},
                   std::unique_ptr<const ClientTls> client_tls = trust(authority().file()))
      : trusted(std::move(client_tls)) {
    wire->to_first.pieces = pieces;
    wire->to_second.pieces = pieces;
    client = TlsTransport::client(turns.turn, std::move(pair.first), *trusted, server_name);
    server = TlsTransport::server(turns.turn, std::move(pair.second), *served);
    turns.settle();
  }
  base::Result<bool> client_outcome() { return outcome_of(turns, *client); }
  base::Result<bool> server_outcome() { return outcome_of(turns, *server); }

  TurnFixture turns;
  TicketKeys tickets;
  std::unique_ptr<const ServerTls> served = serve(usual_files(), tickets);
  std::unique_ptr<const ClientTls> trusted;
  support::MemoryPair pair = support::connect_in_memory(turns);
  std::shared_ptr<support::Wire> wire = pair.wire;
  std::unique_ptr<TlsTransport> client;
  std::unique_ptr<TlsTransport> server;
};

// The gateway's TLS server and OpenSSL's own client.
struct RawFixture {
  explicit RawFixture(const ServerTls& tls) : client(std::move(pair.first)) {
    server = TlsTransport::server(turns.turn, std::move(pair.second), tls);
  }
  void shake_hands() {
    client.begin();
    turns.settle();
  }
  TurnFixture turns;
  support::MemoryPair pair = support::connect_in_memory(turns);
  support::RawTlsClient client;
  std::unique_ptr<TlsTransport> server;
};

}  // namespace postern::tls_fixture
