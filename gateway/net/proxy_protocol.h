// The PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020): a header before a connection's own
// bytes, in which a load balancer says whose connection it hands on. Bytes in, addresses out, and back; who
// may be believed is decided elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "base/ip_address.h"

namespace postern::net {

enum class ProxyVersion : uint8_t { v1, v2 };

// The two ends of the connection that a client made.
struct ProxyRoute {
  base::SocketAddress source;       // the client
  base::SocketAddress destination;  // what it connected to
  friend bool operator==(const ProxyRoute&, const ProxyRoute&) = default;
};

// The first bytes of version 2.
inline constexpr std::string_view proxy_v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Whether these first bytes of a connection are a header's, where none was expected.
bool begins_proxy_header(base::Bytes bytes);

// Reads one header. Detects the version, holds at most what it needs of it, and never takes a byte behind it.
class ProxyHeaderParser {
 public:
  enum class State : uint8_t { reading, complete, invalid };

  static constexpr size_t v1_size_max = 107;   // with its CRLF, as the specification has it
  static constexpr size_t v2_size_max = 4096;  // with its TLVs, which are not held

  // Gives the number of bytes that belong to the header; fewer than all when it is complete or invalid.
  size_t feed(base::Bytes bytes);

  State state() const { return state_; }
  bool begun() const { return size_ > 0; }
  // Of a complete header. Nothing: v1 UNKNOWN, v2 LOCAL, or addresses of another family; the socket's hold.
  const std::optional<ProxyRoute>& route() const { return route_; }
  // Of a complete header with addresses: it says that the client's connection was over TLS (v2's
  // PP2_TYPE_SSL).
  bool over_tls() const { return over_tls_; }
  // Of an invalid one: the rule that was broken.
  std::string_view fault() const { return fault_; }
  // The first bytes, as far as they were held.
  std::string_view beginning() const { return {head_.data(), size_}; }

 private:
  void take(char byte);
  void take_v1(char byte);
  void take_v2(char byte);
  void read_v1();
  void read_v2_start();
  void read_v2_addresses();
  void take_tlv(uint8_t byte);
  void fail(std::string_view fault);

  std::array<char, v1_size_max> head_;  // v2 needs less
  size_t size_ = 0;
  size_t wanted_ = 0;       // v2: bytes to hold, once they are known
  size_t behind_ = 0;       // v2: bytes that follow those
  size_t passing_ = 0;      // v2: those of them that are still to come
  bool told_more_ = false;  // v2: they are TLVs of a client's connection
  // Of the TLV that is read now.
  size_t tlv_taken_ = 0;
  size_t tlv_length_ = 0;
  uint8_t tlv_type_ = 0;
  uint8_t tlv_flags_ = 0;  // its value's first byte
  bool over_tls_ = false;
  State state_ = State::reading;
  std::optional<ProxyRoute> route_;
  std::string_view fault_;
};

// The header for a client's connection. Addresses of two families are both written as IPv6. Without a route:
// a connection of our own, LOCAL or UNKNOWN.
std::string write_proxy_header(ProxyVersion version, const std::optional<ProxyRoute>& route);

}  // namespace postern::net
