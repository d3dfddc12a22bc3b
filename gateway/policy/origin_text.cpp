#include "policy/origin_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/ip_address.h"

namespace postern::policy {
namespace {

bool is_letter(char c) { return base::lower(c) >= 'a' && base::lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c != base::lower(c); }

bool is_scheme(std::string_view text) {  // RFC 3986 3.1
  if (text.empty() || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

bool is_port(std::string_view text) {
  const std::optional<uint64_t> number = base::parse_decimal(text);
  return number && *number <= 65535 && text.size() <= 5;
}

// Whether no character of the text is one that ends a host or that no host has.
bool is_host_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("/@?#\\,").find(c) == std::string_view::npos;
  });
}

using AddressText = std::array<char, 48>;  // "[", eight groups of four digits and seven colons, "]"
using Groups = std::array<unsigned, 8>;

Groups groups_of(const base::IpAddress& address) {
  const auto& bytes = address.bytes();
  const auto pair = [&bytes](size_t at) { return bytes[at] * 256U + bytes[at + 1]; };
  Groups groups{};
  if (address.is_v6()) {
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = pair(2 * i);
  } else {  // an IPv4-mapped address
    groups[5] = 0xffff;
    groups[6] = pair(0);
    groups[7] = pair(2);
  }
  return groups;
}

// Returns the first of the longest runs of zero groups and its length; a single zero is no run (RFC
// 5952 4.2).
std::pair<size_t, size_t> longest_run(const Groups& groups) {
  std::pair<size_t, size_t> longest{groups.size(), 0};
  for (size_t begin = 0; begin < groups.size(); ++begin) {
    size_t end = begin;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - begin > std::max<size_t>(longest.second, 1)) longest = {begin, end - begin};
  }
  return longest;
}

// Writes an address as the URL standard does ("IPv6 serializer"): RFC 5952, but never with an IPv4 address in
// it, which inet_ntop() would write for some.
std::string_view write_address(const base::IpAddress& address, AddressText& text) {
  const Groups groups = groups_of(address);
  const auto [run, length] = longest_run(groups);
  char* at = text.data();
  *at++ = '[';
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i == run) {
      *at++ = ':';
      *at++ = ':';
      i += length - 1;
      continue;
    }
    if (i != 0 && i != run + length) *at++ = ':';
    at = std::to_chars(at, text.data() + text.size(), groups[i], 16).ptr;
  }
  *at++ = ']';
  return {text.data(), static_cast<size_t>(at - text.data())};
}

// Returns the host without the dot at its end, and an IPv6 address as browsers write it, which may stand in
// `buffer`; letters keep their case. Empty: the text is no host.
std::string_view canonical_host(std::string_view host, AddressText& buffer) {
  if (!host.starts_with('[')) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
  }
  if (!host.ends_with(']')) return {};
  host = host.substr(1, host.size() - 2);
  const std::optional<base::IpAddress> address = base::IpAddress::parse(host);
  if (!address || host.find(':') == host.npos) return {};
  return write_address(*address, buffer);
}

std::string_view canonical_port(std::string_view port, std::string_view scheme) {
  while (port.size() > 1 && port.front() == '0') port.remove_prefix(1);
  return port == default_port(scheme) ? std::string_view() : port;
}

}  // namespace

bool split_origin(std::string_view origin, OriginParts& parts) {
  const size_t colon = origin.find("://");
  if (colon == origin.npos || !is_scheme(origin.substr(0, colon))) return false;
  parts.scheme = origin.substr(0, colon);
  std::string_view rest = origin.substr(colon + 3);
  const size_t bracket = rest.find(']');
  const size_t port_colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  parts.host = rest.substr(0, port_colon);
  parts.port = port_colon == rest.npos ? std::string_view() : rest.substr(port_colon + 1);
  if (!is_host_text(parts.host)) return false;
  return port_colon == rest.npos || (is_port(parts.port) && !parts.host.empty());
}

std::string_view default_port(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss") return "443";
  if (scheme == "http" || scheme == "ws") return "80";
  return {};
}

std::string_view canonical_origin(std::string_view origin, std::string& scratch) {
  std::string lowered;
  const bool is_lower = std::none_of(origin.begin(), origin.end(), is_upper);
  if (!is_lower) lowered = base::to_lower(origin);
  OriginParts parts;
  if (!split_origin(is_lower ? origin : std::string_view(lowered), parts)) return {};
  AddressText buffer;
  const std::string_view host = canonical_host(parts.host, buffer);
  if (host.empty() && (!parts.host.empty() || !default_port(parts.scheme).empty())) return {};
  const std::string_view port = canonical_port(parts.port, parts.scheme);
  if (is_lower && host == parts.host && port.size() == parts.port.size()) return origin;
  scratch.assign(parts.scheme).append("://").append(host);
  if (!port.empty()) scratch.append(":").append(port);
  return scratch;
}

bool is_same_host(std::string_view a, std::string_view b) {
  AddressText a_buffer;
  AddressText b_buffer;
  const std::string_view a_host = canonical_host(a, a_buffer);
  return !a_host.empty() && base::equal_ignoring_case(a_host, canonical_host(b, b_buffer));
}

}  // namespace postern::policy
