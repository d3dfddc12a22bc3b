#include "proxy/request_facts.h"

#include <string>

#include "http/websocket_handshake.h"

namespace postern::proxy {

using http::FieldId;

namespace {

// All elements of a field: several fields form one list (RFC 9110 5.3).
std::string_view list_of(http::RequestHead& request, FieldId id) {
  if (request.headers.count(id) <= 1) return request.headers.get(id);
  std::string list;
  for (const http::HeaderField& field : request.headers)
    if (field.id == id) list.append(list.empty() ? "" : ", ").append(field.value);
  return request.arena.keep(list);
}

void read_offers(RequestFacts& facts, http::RequestHead& request) {
  facts.is_socket = request.upgrade == http::Upgrade::websocket && http::check_websocket_request(request);
  if (!facts.is_socket) return;
  facts.offered_protocols = list_of(request, FieldId::sec_websocket_protocol);
  facts.offered_extensions = list_of(request, FieldId::sec_websocket_extensions);
}

}  // namespace

void read_facts(RequestFacts& facts, const Snapshot& snapshot, http::ServerStream& stream, bool head_is_whole,
                telemetry::RequestIdSource& request_ids) {
  http::RequestHead& request = stream.request();
  facts.original_target = request.target;
  facts.authority = request.authority;
  if (head_is_whole) read_offers(facts, request);
  facts.client = identify(snapshot, stream.client(), request);
  if (snapshot.request_id_field.empty()) return;
  const http::HeaderField* given =
      head_is_whole && facts.client.trusted_proxy ? request.headers.find(snapshot.request_id_field) : nullptr;
  if (given && telemetry::is_acceptable_request_id(given->value)) {
    facts.request_id = given->value;
  } else {
    facts.made_id = request_ids.next();
    facts.request_id = facts.made_id.view();
  }
}

}  // namespace postern::proxy
