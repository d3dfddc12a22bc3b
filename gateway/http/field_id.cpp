#include "http/field_id.h"

#include <array>

#include "base/ascii.h"

namespace postern::http {
namespace {

struct Name {
  std::string_view text;
  FieldId id;
};

constexpr auto names = std::to_array<Name>({
    {"accept-encoding", FieldId::accept_encoding},
    {"access-control-allow-credentials", FieldId::access_control_allow_credentials},
    {"access-control-allow-headers", FieldId::access_control_allow_headers},
    {"access-control-allow-methods", FieldId::access_control_allow_methods},
    {"access-control-allow-origin", FieldId::access_control_allow_origin},
    {"access-control-allow-private-network", FieldId::access_control_allow_private_network},
    {"access-control-expose-headers", FieldId::access_control_expose_headers},
    {"access-control-max-age", FieldId::access_control_max_age},
    {"access-control-request-headers", FieldId::access_control_request_headers},
    {"access-control-request-method", FieldId::access_control_request_method},
    {"authorization", FieldId::authorization},
    {"cdn-loop", FieldId::cdn_loop},
    {"connection", FieldId::connection},
    {"content-length", FieldId::content_length},
    {"content-type", FieldId::content_type},
    {"cookie", FieldId::cookie},
    {"date", FieldId::date},
    {"expect", FieldId::expect},
    {"host", FieldId::host},
    {"keep-alive", FieldId::keep_alive},
    {"max-forwards", FieldId::max_forwards},
    {"origin", FieldId::origin},
    {"proxy-authenticate", FieldId::proxy_authenticate},
    {"proxy-authorization", FieldId::proxy_authorization},
    {"proxy-connection", FieldId::proxy_connection},
    {"referer", FieldId::referer},
    {"sec-websocket-accept", FieldId::sec_websocket_accept},
    {"sec-websocket-extensions", FieldId::sec_websocket_extensions},
    {"sec-websocket-key", FieldId::sec_websocket_key},
    {"sec-websocket-protocol", FieldId::sec_websocket_protocol},
    {"sec-websocket-version", FieldId::sec_websocket_version},
    {"te", FieldId::te},
    {"trailer", FieldId::trailer},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"upgrade", FieldId::upgrade},
    {"user-agent", FieldId::user_agent},
    {"vary", FieldId::vary},
    {"via", FieldId::via},
    {"forwarded", FieldId::forwarded},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"x-forwarded-port", FieldId::x_forwarded_port},
    {"x-forwarded-prefix", FieldId::x_forwarded_prefix},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
});

// A name is hashed by its length and its first and last letter; collisions are resolved by linear probing.
constexpr size_t slot_count = 256;
constexpr size_t hash(std::string_view name) {
  const auto first = static_cast<unsigned char>(name.front() | 0x20);
  const auto last = static_cast<unsigned char>(name.back() | 0x20);
  return (name.size() * 7 + first * 31u + last * 5u) % slot_count;
}

constexpr std::array<uint8_t, slot_count> build() {
  std::array<uint8_t, slot_count> slots{};
  for (size_t i = 0; i < names.size(); ++i) {
    size_t slot = hash(names[i].text);
    while (slots[slot] != 0) slot = (slot + 1) % slot_count;
    slots[slot] = static_cast<uint8_t>(i + 1);
  }
  return slots;
}
constexpr auto slots = build();

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty()) return FieldId::other;
  for (size_t slot = hash(name); slots[slot] != 0; slot = (slot + 1) % slot_count) {
    const Name& candidate = names[slots[slot] - 1];
    if (base::equal_ignoring_case(candidate.text, name)) return candidate.id;
  }
  return FieldId::other;
}

}  // namespace postern::http
