#include "http1/websocket_handshake.h"

#include "base/ascii.h"
#include "crypto/base64.h"
#include "crypto/digest.h"

namespace postern::http1 {
namespace {

using http::FieldId;

tl::unexpected<std::string_view> refuse(std::string_view sentence) { return tl::unexpected(sentence); }

// The name of an offered or accepted extension, without its parameters.
std::string_view extension_name(std::string_view element) {
  return base::trim(element.substr(0, element.find(';')));
}

bool offered_extension(const http::Headers& headers, std::string_view name) {
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_extensions) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (base::equal_ignoring_case(extension_name(*element), name)) return true;
  }
  return false;
}

bool offered_subprotocol(const http::Headers& headers, std::string_view name) {
  for (const http::HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_protocol) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (*element == name) return true;  // case-sensitive
  }
  return false;
}

}  // namespace

tl::expected<void, std::string_view> check_websocket_request(const http::RequestHead& head) {
  if (head.method != http::Method::get || head.version != http::Version::http1_1)
    return refuse("a WebSocket handshake is a GET in HTTP/1.1");
  if (head.headers.count(FieldId::sec_websocket_version) != 1)
    return refuse("not exactly one Sec-WebSocket-Version");
  if (base::trim(head.headers.get(FieldId::sec_websocket_version)) != "13")
    return refuse("Sec-WebSocket-Version is not 13");
  if (head.headers.count(FieldId::sec_websocket_key) != 1) return refuse("not exactly one Sec-WebSocket-Key");
  const auto key = crypto::decode_base64(head.headers.get(FieldId::sec_websocket_key));
  if (!key || key->size() != 16) return refuse("Sec-WebSocket-Key is not 16 bytes in base64");
  return {};
}

std::string websocket_accept(std::string_view key) {
  const std::string input = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const crypto::Sha1Digest digest = crypto::sha1(input);
  return crypto::encode_base64(crypto::as_bytes(digest));
}

tl::expected<void, std::string_view> check_websocket_response(const http::RequestHead& request,
                                                              const http::ResponseHead& response) {
  if (request.upgrade != http::Upgrade::websocket) return refuse("a 101 that nobody asked for");
  if (!response.headers.list_contains(FieldId::upgrade, "websocket"))
    return refuse("Upgrade is not \"websocket\"");
  if (!response.headers.list_contains(FieldId::connection, "upgrade"))
    return refuse("Connection does not say \"upgrade\"");
  if (response.headers.count(FieldId::sec_websocket_accept) != 1 ||
      response.headers.get(FieldId::sec_websocket_accept) !=
          websocket_accept(request.headers.get(FieldId::sec_websocket_key)))
    return refuse("Sec-WebSocket-Accept does not answer the key");
  if (response.headers.count(FieldId::sec_websocket_protocol) > 1)
    return refuse("more than one Sec-WebSocket-Protocol");
  const std::string_view subprotocol = response.headers.get(FieldId::sec_websocket_protocol);
  if (!subprotocol.empty() && !offered_subprotocol(request.headers, subprotocol))
    return refuse("a Sec-WebSocket-Protocol that was not offered");
  for (const http::HeaderField& field : response.headers) {
    if (field.id != FieldId::sec_websocket_extensions) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (!offered_extension(request.headers, extension_name(*element)))
        return refuse("a Sec-WebSocket-Extensions that was not offered");
  }
  return {};
}

}  // namespace postern::http1
