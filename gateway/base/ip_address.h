// Addresses as values: parse, print, and sets of CIDR blocks. Row 0 knows no sockets; net converts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::base {

// An IPv4 or IPv6 address. IPv4 is kept as itself; IPv4-mapped IPv6 is turned into IPv4.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(const std::array<uint8_t, 4>& bytes);
  static IpAddress v6(const std::array<uint8_t, 16>& bytes);
  static std::optional<IpAddress> parse(std::string_view text);  // no brackets, no zone

  bool is_v6() const { return v6_; }
  bool is_loopback() const;
  bool is_unspecified() const { return bytes_ == std::array<uint8_t, 16>{}; }  // 0.0.0.0, ::
  bool is_private() const;                                         // RFC 1918, RFC 4193, link-local
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }  // IPv4: the first four
  // What counts as one client: the address itself, or the /64 that an IPv6 client has all of (RFC 4291
  // section 2.5.1).
  IpAddress client_network() const;
  std::string text() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
  bool v6_ = false;
};

struct SocketAddress {
  IpAddress ip;
  uint16_t port = 0;
  std::string text() const;  // "127.0.0.1:80", "[::1]:80"
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

// Blocks such as 10.0.0.0/8; a single address is a block of its own.
class CidrSet {
 public:
  bool add(std::string_view block);  // false: not a block
  bool contains(const IpAddress& address) const;
  bool empty() const { return blocks_.empty(); }

 private:
  struct Block {
    IpAddress base;
    int prefix_bits;
  };
  std::vector<Block> blocks_;
};

}  // namespace postern::base
