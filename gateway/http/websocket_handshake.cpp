#include "http/websocket_handshake.h"

#include "base/ascii.h"

namespace postern::http {
namespace {

tl::unexpected<std::string_view> refuse(std::string_view sentence) { return tl::unexpected(sentence); }

// The name of an offered or accepted extension, without its parameters.
std::string_view extension_name(std::string_view element) {
  return base::trim(element.substr(0, element.find(';')));
}

bool offered_extension(const Headers& headers, std::string_view name) {
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_extensions) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (base::equal_ignoring_case(extension_name(*element), name)) return true;
  }
  return false;
}

bool offered_subprotocol(const Headers& headers, std::string_view name) {
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_protocol) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (*element == name) return true;  // case-sensitive
  }
  return false;
}

}  // namespace

tl::expected<void, std::string_view> check_websocket_request(const RequestHead& head) {
  if (head.version != Version::http2 && (head.method != Method::get || head.version != Version::http1_1))
    return refuse("a WebSocket handshake is a GET in HTTP/1.1");
  if (head.headers.count(FieldId::sec_websocket_version) != 1)
    return refuse("not exactly one Sec-WebSocket-Version");
  if (base::trim(head.headers.get(FieldId::sec_websocket_version)) != "13")
    return refuse("Sec-WebSocket-Version is not 13");
  if (!head.upgrade_problem.empty()) return refuse(head.upgrade_problem);
  return {};
}

tl::expected<void, std::string_view> check_websocket_response(const RequestHead& request,
                                                              const ResponseHead& response) {
  if (request.upgrade != Upgrade::websocket) return refuse("a 101 that nobody asked for");
  if (!response.upgrade_problem.empty()) return refuse(response.upgrade_problem);
  if (response.headers.count(FieldId::sec_websocket_protocol) > 1)
    return refuse("more than one Sec-WebSocket-Protocol");
  const std::string_view subprotocol = response.headers.get(FieldId::sec_websocket_protocol);
  if (!subprotocol.empty() && !offered_subprotocol(request.headers, subprotocol))
    return refuse("a Sec-WebSocket-Protocol that was not offered");
  for (const HeaderField& field : response.headers) {
    if (field.id != FieldId::sec_websocket_extensions) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list))
      if (!offered_extension(request.headers, extension_name(*element)))
        return refuse("a Sec-WebSocket-Extensions that was not offered");
  }
  return {};
}

}  // namespace postern::http
