// Small ids for the field names that the gateway itself uses, so that the hot path does not compare the same
// text twice. Every other name is `other` and is forwarded as it was received.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::http {

enum class FieldId : uint8_t {
  other,
  accept_encoding,
  access_control_allow_credentials,
  access_control_allow_headers,
  access_control_allow_methods,
  access_control_allow_origin,
  access_control_allow_private_network,
  access_control_expose_headers,
  access_control_max_age,
  access_control_request_headers,
  access_control_request_method,
  authorization,
  cdn_loop,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  host,
  keep_alive,
  max_forwards,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  referer,
  sec_websocket_accept,
  sec_websocket_extensions,
  sec_websocket_key,
  sec_websocket_protocol,
  sec_websocket_version,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  forwarded,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_prefix,
  x_forwarded_proto,
};

// The comparison ignores case; a name without an id gives `other`.
FieldId field_id(std::string_view name);

}  // namespace postern::http
