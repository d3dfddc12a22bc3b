// The facts about a request that an exchange reads once, before anything is done with the request. The head
// itself is rewritten for the endpoint later; these facts stay as the client sent them.
#pragma once

#include <string_view>

#include "http/stream.h"
#include "http/target.h"
#include "proxy/client_identity.h"
#include "proxy/snapshot.h"
#include "telemetry/request_id.h"

namespace postern::proxy {

// The views point into the request, and `request_id` may point into this object: it is neither copied nor
// moved.
struct RequestFacts {
  RequestFacts() = default;
  RequestFacts(const RequestFacts&) = delete;
  RequestFacts& operator=(const RequestFacts&) = delete;

  std::string_view original_target{};  // as the client sent it, for the log
  std::string_view authority{};        // as the client sent it
  std::string_view request_id{};       // empty: no ids are sent
  telemetry::RequestId made_id;        // unused when the id of a trusted proxy was accepted
  ClientIdentity client;
  // Read from the request's target. It changes twice at most, until the policies have judged the request: a
  // route with strict paths makes it normal, and a policy may remove a token from the query.
  http::Target target;
  bool is_socket = false;  // the request is a valid WebSocket handshake
  // Of a valid handshake, as the client sent them: all fields of a name as one list.
  std::string_view offered_protocols{};
  std::string_view offered_extensions{};

  // The handshake comes from a page: only browsers send an Origin.
  static bool is_page(const http::RequestHead& request) {
    return request.headers.find(http::FieldId::origin) != nullptr;
  }
};

// Reads everything but the target. Where the head is not whole, because it could not be read, the facts are
// read as far as they go: no handshake, and no id that the client sent.
void read_facts(RequestFacts& facts, const Snapshot& snapshot, http::ServerStream& stream, bool head_is_whole,
                telemetry::RequestIdSource& request_ids);

}  // namespace postern::proxy
