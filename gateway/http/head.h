// The heads of requests and responses, in one form for every protocol. A head owns the bytes and the arena
// that its views point into; when the head is moved, the views stay valid.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/chunk.h"
#include "base/text_arena.h"
#include "http/headers.h"

namespace postern::http {

enum class Method : uint8_t { get, head, post, put, delete_, patch, options, other };

Method method_of(std::string_view text);  // case-sensitive, RFC 9110 9.1
// Anyone may define new methods (RFC 9110 9.1), but no method in use is nearly this long.
inline constexpr size_t method_size_max = 64;
bool is_idempotent(Method method);  // RFC 9110 9.2.2; `other` is not idempotent

enum class Version : uint8_t { http1_0, http1_1, http2 };

// How the end of a message is determined. Framing belongs to one connection and is never copied to another.
enum class BodyKind : uint8_t { none, length, chunked, until_close };

// Set from the Upgrade field on HTTP/1.1 and from `:protocol` on HTTP/2, so that the modules above do not
// have to distinguish the two.
enum class Upgrade : uint8_t { none, websocket, other };

struct RequestHead {
  Method method = Method::get;
  Version version = Version::http1_1;
  Upgrade upgrade = Upgrade::none;
  BodyKind body = BodyKind::none;
  bool expects_continue = false;
  uint64_t content_length = 0;   // when body is `length`
  std::string_view method_text;  // as it was received
  std::string_view target;       // origin-form: path and query, as received ("*" for OPTIONS *)
  std::string_view authority;    // host[:port] as received, validated; empty only for HTTP/1.0
  // Why the WebSocket upgrade breaks the rules of the protocol that carried it: a sentence for the client, in
  // static memory. Empty: it breaks none.
  std::string_view upgrade_problem;
  Headers headers;

  base::Chunk bytes;      // the memory that the views point into
  base::TextArena arena;  // the memory of values that are added later

  void clear();
};

struct ResponseHead {
  uint16_t status = 200;
  BodyKind body = BodyKind::none;
  uint64_t content_length = 0;
  std::string_view reason;  // as received; empty: the standard phrase
  // The head accepts the upgrade: what follows on the stream belongs to another protocol. HTTP/1.1 answers
  // with 101, and HTTP/2 answers an extended CONNECT with 200.
  bool opens_tunnel = false;
  std::string_view upgrade_problem;  // as in RequestHead, for a head that opens a tunnel
  Headers headers;

  base::Chunk bytes;
  base::TextArena arena;

  bool interim() const { return status < 200 && !opens_tunnel; }
  void clear();
};

std::string_view reason_phrase(uint16_t status);  // empty for an unknown status

}  // namespace postern::http
