// IP addresses as values: parsing, printing, and sets of CIDR blocks. The base module knows no sockets; net
// converts to the kernel's types.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::base {

// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is stored as IPv4.
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
  // The network that counts as one client: an IPv4 address itself, or the /64 of an IPv6 address, because one
  // client usually has a whole /64 (RFC 4291 section 2.5.1).
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

// A set of blocks such as 10.0.0.0/8; a single address counts as a block.
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
