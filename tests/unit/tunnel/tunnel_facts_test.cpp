#include "tunnel/tunnel_facts.h"

#include <doctest/doctest.h>

#include "unit/tunnel/tunnel_fixture.h"

using namespace postern;
using tunnel::TunnelFacts;

TEST_CASE("tunnel facts: every part comes back as it went in, empty ones too") {
  telemetry::TunnelRecord given = tunnel::usual_facts();
  std::string host = "a-host-that-goes-away.example";
  given.host = host;
  given.route = {};
  given.subprotocol = {};
  given.token = {.provider = "login", .subject = "alice", .subject_hash = "0123", .id = "", .rule = "staff"};
  given.certificate = {
      .subject = "CN=alice", .alternative_names = "", .serial = "0A1B", .fingerprint = "e3b0c4"};
  const TunnelFacts facts(given, true);
  host.assign(host.size(), '?');
  const telemetry::TunnelRecord kept = facts.record();
  CHECK(kept.request_id == given.request_id);
  CHECK(kept.client == given.client);
  CHECK(kept.host == "a-host-that-goes-away.example");
  CHECK(kept.target == given.target);
  CHECK(kept.route.empty());
  CHECK(kept.upstream == given.upstream);
  CHECK(kept.endpoint == given.endpoint);
  CHECK(kept.subprotocol.empty());
  CHECK(kept.token.provider == "login");
  CHECK(kept.token.subject == "alice");
  CHECK(kept.token.subject_hash == "0123");
  CHECK(kept.token.id.empty());
  CHECK(kept.token.rule == "staff");
  CHECK(kept.certificate.subject == "CN=alice");
  CHECK(kept.certificate.alternative_names.empty());
  CHECK(kept.certificate.serial == "0A1B");
  CHECK(kept.certificate.fingerprint == "e3b0c4");
  CHECK(kept.handshake_duration == given.handshake_duration);
  CHECK(facts.logged());
}

TEST_CASE("tunnel facts: moving them keeps them") {
  TunnelFacts facts(tunnel::usual_facts(), false);
  const TunnelFacts moved = std::move(facts);
  CHECK(moved.record().target == "/ws?token=***");
  CHECK_FALSE(moved.logged());
}
