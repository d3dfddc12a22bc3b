#include "config/decode_admin.h"

#include "config/addresses.h"

namespace postern::config {
namespace {

constexpr std::string_view unix_scheme = "unix:";

void decode_address(const Value& value, AdminDocument& admin) {
  const auto text = value.text();
  if (!text) return;
  if (text->starts_with(unix_scheme)) {
    admin.unix_path = std::string(text->substr(unix_scheme.size()));
    if (admin.unix_path.empty()) value.refuse({"names no file", "unix:/run/postern/admin.sock"});
    return;
  }
  const auto parsed = value.parsed(parse_listen_address);
  if (!parsed) return;
  admin.host = parsed->host;
  admin.port = parsed->port;
  const bool literal =
      admin.host.empty() || admin.host == "localhost" || is_ipv4(admin.host) || is_ipv6(admin.host);
  if (!literal) return value.complain("is a name; a listener needs an address of this machine");
  if (!admin.is_public && !is_loopback(admin.host))
    value.complain(
        "can be reached from other machines, and nobody is asked for a password there; write "
        "127.0.0.1 for its host, or say public: true");
}

}  // namespace

void decode_admin(const Value& value, Document& document) {
  const Fields fields(value);
  AdminDocument admin;
  if (const auto is_public = fields.take("public")) set(admin.is_public, is_public->boolean());
  if (const auto address = fields.need("address")) decode_address(*address, admin);
  document.admin = admin;
}

}  // namespace postern::config
