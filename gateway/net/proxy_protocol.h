// The PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020): a header before a connection's own
// bytes, in which a load balancer states which client's connection it forwards. This file only parses and
// writes headers; whose connections begin with one is decided elsewhere.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "base/clock.h"
#include "base/ip_address.h"

namespace postern::net {

enum class ProxyVersion : uint8_t { v1, v2 };

// Of one listener: whose connections must begin with a header.
struct ProxyHeaderRules {
  base::CidrSet trust;                               // peers; all others send none
  base::Duration timeout = std::chrono::seconds(5);  // for the whole header
};

// The two ends of the connection that a client made.
struct ProxyRoute {
  base::SocketAddress source;       // the client
  base::SocketAddress destination;  // what it connected to
  friend bool operator==(const ProxyRoute&, const ProxyRoute&) = default;
};

// The first bytes of a version 2 header.
inline constexpr std::string_view proxy_v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Whether these first bytes of a connection begin a PROXY header, on a connection where none was expected.
bool begins_proxy_header(base::Bytes bytes);

// Parses one header. Detects the version, stores no more of the header than it needs, and never consumes a
// byte after it.
class ProxyHeaderParser {
 public:
  enum class State : uint8_t { reading, complete, invalid };

  static constexpr size_t v1_size_max = 107;   // with its CRLF, as in the specification
  static constexpr size_t v2_size_max = 4096;  // with its TLVs, which are not stored

  // Returns the number of bytes that belong to the header; fewer than all when it is complete or invalid.
  size_t feed(base::Bytes bytes);

  State state() const { return state_; }
  bool begun() const { return size_ > 0; }
  // Only for a complete header. Nothing for v1 UNKNOWN, v2 LOCAL, or addresses of another family: then the
  // socket's own addresses apply.
  const std::optional<ProxyRoute>& route() const { return route_; }
  // Only for a complete header with addresses: the client's connection used TLS (v2's PP2_TYPE_SSL).
  bool over_tls() const { return over_tls_; }
  // Only for an invalid header: the rule that was broken.
  std::string_view fault() const { return fault_; }
  // The first bytes, as far as they were stored.
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
  size_t wanted_ = 0;       // v2: bytes to store, once the number is known
  size_t behind_ = 0;       // v2: bytes that follow those
  size_t passing_ = 0;      // v2: those of them that have not arrived
  bool told_more_ = false;  // v2: the bytes that follow are TLVs of a client's connection
  // The TLV that is being read:
  size_t tlv_taken_ = 0;
  size_t tlv_length_ = 0;
  uint8_t tlv_type_ = 0;
  uint8_t tlv_flags_ = 0;  // the first byte of its value
  bool over_tls_ = false;
  State state_ = State::reading;
  std::optional<ProxyRoute> route_;
  std::string_view fault_;
};

// Writes the header for a client's connection. When the two addresses are of different families, both are
// written as IPv6. Without a route the header is LOCAL or UNKNOWN: a connection of the gateway itself.
std::string write_proxy_header(ProxyVersion version, const std::optional<ProxyRoute>& route);

}  // namespace postern::net
