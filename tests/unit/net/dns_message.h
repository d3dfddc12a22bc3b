// Builds replies of a name server, record by record (RFC 1035 section 4, RFC 2782).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/name_source.h"

namespace postern::net {

class DnsReply {
 public:
  DnsReply(std::string_view name, uint16_t type) : question_(encoded(name) + number(type) + number(1)) {}

  DnsReply& address(std::string_view name, uint32_t lifetime, const std::array<uint8_t, 4>& address) {
    return record(name, 1, lifetime, std::string(address.begin(), address.end()));
  }
  DnsReply& alias(std::string_view name, uint32_t lifetime, std::string_view other) {
    return record(name, 5, lifetime, encoded(other));
  }
  DnsReply& service(std::string_view name, uint32_t lifetime, const ServiceTarget& target) {
    return record(
        name, 33, lifetime,
        number(target.priority) + number(target.weight) + number(target.port) + encoded(target.host));
  }
  // Sets the response code; 3: there is no such name.
  DnsReply& code(uint16_t code) {
    code_ = code;
    return *this;
  }
  // The reply to the query with this id.
  std::string bytes(uint16_t id = 1) const {
    return number(id) + number(static_cast<uint16_t>(0x8180 | code_)) + number(1) + number(count_) +
           number(0) + number(0) + question_ + records_;
  }

  static std::string encoded(std::string_view name) {
    std::string wire;
    while (!name.empty()) {
      const size_t dot = std::min(name.find('.'), name.size());
      wire += static_cast<char>(dot);
      wire += name.substr(0, dot);
      name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return wire + '\0';
  }
  static std::string number(uint16_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  }

 private:
  DnsReply& record(std::string_view name, uint16_t type, uint32_t lifetime, const std::string& data) {
    records_ += encoded(name) + number(type) + number(1) + number(static_cast<uint16_t>(lifetime >> 16)) +
                number(static_cast<uint16_t>(lifetime & 0xffff)) +
                number(static_cast<uint16_t>(data.size())) + data;
    ++count_;
    return *this;
  }

  std::string question_;
  std::string records_;
  uint16_t count_ = 0;
  uint16_t code_ = 0;
};

}  // namespace postern::net
