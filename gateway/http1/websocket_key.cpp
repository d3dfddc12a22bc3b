#include "http1/websocket_key.h"

#include <array>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace postern::http1 {
namespace {

using http::FieldId;

constexpr size_t key_size = 16;

}  // namespace

std::string_view websocket_key_problem(const http::RequestHead& head) {
  if (head.headers.count(FieldId::sec_websocket_key) != 1) return "not exactly one Sec-WebSocket-Key";
  const auto key = crypto::decode_base64(head.headers.get(FieldId::sec_websocket_key));
  if (!key || key->size() != key_size) return "Sec-WebSocket-Key is not 16 bytes in base64";
  return {};
}

std::string_view websocket_answer_problem(const http::ResponseHead& head, std::string_view accept) {
  if (!head.headers.list_contains(FieldId::upgrade, "websocket")) return "Upgrade is not \"websocket\"";
  if (!head.headers.list_contains(FieldId::connection, "upgrade"))
    return "Connection does not say \"upgrade\"";
  if (head.headers.count(FieldId::sec_websocket_accept) != 1 ||
      head.headers.get(FieldId::sec_websocket_accept) != accept)
    return "Sec-WebSocket-Accept does not answer the key";
  return {};
}

std::string websocket_accept(std::string_view key) {
  const std::string input = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const crypto::Sha1Digest digest = crypto::sha1(input);
  return crypto::encode_base64(crypto::as_bytes(digest));
}

std::string new_websocket_key() {
  std::array<uint8_t, key_size> bytes;
  crypto::fill_random(bytes);
  return crypto::encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace postern::http1
