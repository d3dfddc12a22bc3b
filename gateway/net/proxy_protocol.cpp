#include "net/proxy_protocol.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace postern::net {
namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr size_t v2_start_size = 16;
constexpr size_t v4_addresses = 12;     // two addresses of 4 bytes and two ports
constexpr size_t v6_addresses = 36;     // two addresses of 16 bytes and two ports
constexpr size_t unix_addresses = 216;  // two paths of 108 bytes

constexpr uint8_t v2_local = 0x20;
constexpr uint8_t v2_proxy = 0x21;
constexpr uint8_t tcp_over_v4 = 0x11;
constexpr uint8_t tcp_over_v6 = 0x21;
constexpr uint8_t unix_stream = 0x31;

constexpr size_t tlv_head = 3;
constexpr uint8_t tlv_ssl = 0x20;     // PP2_TYPE_SSL
constexpr uint8_t client_ssl = 0x01;  // PP2_CLIENT_SSL

std::optional<uint16_t> read_port(std::string_view text) {
  if (text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const std::optional<uint64_t> port = base::parse_decimal(text);
  if (!port || *port > 65'535) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

// An IPv4-mapped IPv6 address is written with colons, and so belongs to TCP6.
std::optional<base::IpAddress> read_address(std::string_view text, bool v6) {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  return base::IpAddress::parse(text);
}

// Reads a 16-bit number in network byte order.
uint16_t number_at(const char* bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
}

template <size_t size>
std::array<uint8_t, size> address_at(const char* bytes) {
  std::array<uint8_t, size> address;
  std::copy_n(bytes, size, address.begin());
  return address;
}

std::array<uint8_t, 16> as_v6(const base::IpAddress& ip) {
  if (ip.is_v6()) return ip.bytes();
  std::array<uint8_t, 16> mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::copy_n(ip.bytes().begin(), 4, mapped.begin() + 12);
  return mapped;
}

std::string text_as(const base::IpAddress& ip, bool v6) {
  return v6 && !ip.is_v6() ? "::ffff:" + ip.text() : ip.text();
}

void append_number(std::string& header, uint16_t number) {
  header += static_cast<char>(number >> 8);
  header += static_cast<char>(number & 0xff);
}

}  // namespace

bool begins_proxy_header(base::Bytes bytes) {
  const std::string_view text = base::text_of(bytes);
  return text.starts_with(v1_start) || text.starts_with(proxy_v2_signature);
}

size_t ProxyHeaderParser::feed(base::Bytes bytes) {
  size_t used = 0;
  while (used < bytes.size() && state_ == State::reading) {
    if (passing_ > 0) {
      const size_t passed = std::min(passing_, bytes.size() - used);
      if (told_more_)
        for (const std::byte byte : bytes.subspan(used, passed)) take_tlv(static_cast<uint8_t>(byte));
      passing_ -= passed;
      used += passed;
      if (passing_ == 0) state_ = State::complete;
    } else {
      take(static_cast<char>(bytes[used++]));
    }
  }
  return used;
}

void ProxyHeaderParser::take(char byte) {
  head_[size_++] = byte;
  if (head_[0] == v1_start[0]) return take_v1(byte);
  if (head_[0] == proxy_v2_signature[0]) return take_v2(byte);
  fail("it begins with no PROXY protocol header");
}

void ProxyHeaderParser::fail(std::string_view fault) {
  state_ = State::invalid;
  fault_ = fault;
}

void ProxyHeaderParser::take_v1(char byte) {
  if (size_ <= v1_start.size()) {
    if (byte != v1_start[size_ - 1]) fail("it begins with no PROXY protocol header");
    return;
  }
  const bool after_cr = head_[size_ - 2] == '\r';
  if (after_cr != (byte == '\n')) return fail("a v1 header ends with CR and LF, which stand nowhere else");
  if (after_cr) return read_v1();
  if (size_ == v1_size_max) fail("a v1 header is longer than 107 bytes");
}

void ProxyHeaderParser::read_v1() {
  std::string_view line(head_.data() + v1_start.size(), size_ - v1_start.size() - 2);
  const auto next = [&line] {
    const size_t space = line.find(' ');
    const std::string_view word = line.substr(0, space);
    line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    return word;
  };
  const std::string_view protocol = next();
  if (protocol == "UNKNOWN") {
    state_ = State::complete;  // whatever follows is ignored
    return;
  }
  if (protocol != "TCP4" && protocol != "TCP6") return fail("a v1 header names TCP4, TCP6 or UNKNOWN");
  const bool v6 = protocol == "TCP6";
  const size_t spaces = static_cast<size_t>(std::count(line.begin(), line.end(), ' '));
  const auto source = read_address(next(), v6);
  const auto destination = read_address(next(), v6);
  const auto source_port = read_port(next());
  const auto destination_port = read_port(next());
  if (spaces != 3 || !source || !destination || !source_port || !destination_port)
    return fail("a v1 header has two addresses of its family and two ports, with one space between them");
  route_ = ProxyRoute{{*source, *source_port}, {*destination, *destination_port}};
  state_ = State::complete;
}

void ProxyHeaderParser::take_v2(char byte) {
  if (size_ <= proxy_v2_signature.size()) {
    if (byte != proxy_v2_signature[size_ - 1]) fail("it begins with no PROXY protocol header");
    return;
  }
  if (size_ == v2_start_size) read_v2_start();
  if (state_ == State::reading && size_ == wanted_) read_v2_addresses();
}

void ProxyHeaderParser::read_v2_start() {
  const auto command = static_cast<uint8_t>(head_[12]);
  const auto family = static_cast<uint8_t>(head_[13]);
  const size_t length = number_at(&head_[14]);
  if (v2_start_size + length > v2_size_max) return fail("a v2 header is longer than 4096 bytes");
  if (command != v2_local && command != v2_proxy)
    return fail("a v2 header has another version or command than LOCAL and PROXY");
  size_t addresses = 0;
  if (command == v2_proxy) {
    switch (family) {
      case 0: break;  // unspecified
      case tcp_over_v4: addresses = v4_addresses; break;
      case tcp_over_v6: addresses = v6_addresses; break;
      case unix_stream: addresses = unix_addresses; break;
      default: return fail("a v2 header is of no stream over IPv4, IPv6 or Unix sockets");
    }
  }
  if (length < addresses) return fail("a v2 header is too short for its addresses");
  told_more_ = addresses > 0;
  // A log or a field cannot show Unix addresses, so they are skipped like the value of a TLV.
  if (addresses == unix_addresses) {
    tlv_taken_ = tlv_head;
    tlv_length_ = std::exchange(addresses, 0);
  }
  wanted_ = v2_start_size + addresses;
  behind_ = length - addresses;
}

void ProxyHeaderParser::read_v2_addresses() {
  const char* at = &head_[v2_start_size];
  if (wanted_ == v2_start_size + v4_addresses) {
    route_ = ProxyRoute{{base::IpAddress::v4(address_at<4>(at)), number_at(at + 8)},
                        {base::IpAddress::v4(address_at<4>(at + 4)), number_at(at + 10)}};
  } else if (wanted_ == v2_start_size + v6_addresses) {
    route_ = ProxyRoute{{base::IpAddress::v6(address_at<16>(at)), number_at(at + 32)},
                        {base::IpAddress::v6(address_at<16>(at + 16)), number_at(at + 34)}};
  }
  passing_ = behind_;
  if (passing_ == 0) state_ = State::complete;
}

// Reads one byte of a TLV: a type, a length of two bytes, a value. A malformed TLV is ignored.
void ProxyHeaderParser::take_tlv(uint8_t byte) {
  constexpr size_t least_ssl = 5;  // the flags, and whether the client's certificate was verified
  const size_t at = tlv_taken_++;
  if (at == 0)
    tlv_type_ = byte;
  else if (at < tlv_head)
    tlv_length_ = (at == 1 ? 0 : tlv_length_ << 8) | byte;
  if (at == tlv_head) tlv_flags_ = byte;
  if (at + 1 < tlv_head || at + 1 < tlv_head + tlv_length_) return;
  if (tlv_type_ == tlv_ssl && tlv_length_ >= least_ssl) over_tls_ = (tlv_flags_ & client_ssl) != 0;
  tlv_taken_ = 0;
}

std::string write_proxy_header(ProxyVersion version, const std::optional<ProxyRoute>& route) {
  if (!route) {
    if (version == ProxyVersion::v1) return "PROXY UNKNOWN\r\n";
    return std::string(proxy_v2_signature) + std::string({static_cast<char>(v2_local), '\0', '\0', '\0'});
  }
  const auto& [source, destination] = *route;
  const bool v6 = source.ip.is_v6() || destination.ip.is_v6();
  if (version == ProxyVersion::v1)
    return "PROXY " + std::string(v6 ? "TCP6 " : "TCP4 ") + text_as(source.ip, v6) + ' ' +
           text_as(destination.ip, v6) + ' ' + std::to_string(source.port) + ' ' +
           std::to_string(destination.port) + "\r\n";
  std::string header(proxy_v2_signature);
  header += static_cast<char>(v2_proxy);
  header += static_cast<char>(v6 ? tcp_over_v6 : tcp_over_v4);
  append_number(header, static_cast<uint16_t>(v6 ? v6_addresses : v4_addresses));
  for (const base::IpAddress& ip : {source.ip, destination.ip}) {
    const std::array<uint8_t, 16> bytes = v6 ? as_v6(ip) : ip.bytes();
    header.append(reinterpret_cast<const char*>(bytes.data()), v6 ? 16 : 4);
  }
  append_number(header, source.port);
  append_number(header, destination.port);
  return header;
}

}  // namespace postern::net
