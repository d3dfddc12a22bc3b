#include "config/addresses.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "config/international_name.h"
#include "config/suggest.h"
#include "config/text.h"
#include "http/escapes.h"
#include "policy/origin_text.h"

namespace postern::config {
namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }

// Returns the address with every bit after the prefix cleared.
base::IpAddress first_of_block(const base::IpAddress& address, std::size_t prefix) {
  std::array<uint8_t, 16> bytes = address.bytes();
  for (std::size_t bit = prefix; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  }
  if (address.is_v6()) return base::IpAddress::v6(bytes);
  return base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char letter) {
    return is_digit(letter) || is_letter(letter) || letter == '-' || letter == '_';
  });
}

// A DNS name (RFC 1123) in which "_" is allowed. Its last label must not be a number, decimal or 0x...: some
// programs would read the name as an address.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::string_view last;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    last = text.substr(at, dot - at);
    if (!is_label(last)) return false;
    at = dot + 1;
  }
  return !std::all_of(last.begin(), last.end(), is_digit) && !base::to_lower(last).starts_with("0x");
}

// The parts of "host:port", "[v6]:port", "host", "[v6]" or ":port". `host` has no brackets.
struct Authority {
  std::string host;
  std::optional<std::string> port;
  bool bracketed = false;
};

Parsed<Authority> split_authority(std::string_view text) {
  Authority authority;
  std::string_view rest = text;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return complain("has \"[\" without \"]\"");
    authority.host = text.substr(1, end - 1);
    authority.bracketed = true;
    if (!is_ipv6(authority.host)) return complain("has no IPv6 address between its brackets");
    rest = text.substr(end + 1);
    if (rest.empty()) return authority;
    if (rest[0] != ':') return complain("has something other than \":port\" after \"]\"");
    authority.port = std::string(rest.substr(1));
    return authority;
  }
  if (is_ipv6(text)) {
    // "::1:80" is a valid IPv6 address, but the author probably meant a port.
    const std::size_t colon = text.rfind(':');
    const std::string_view address = text.substr(0, colon);
    const bool has_port = is_ipv6(address) && parse_port(text.substr(colon + 1), false).has_value();
    return complain("has an IPv6 address without brackets",
                    has_port ? "[" + std::string(address) + "]" + std::string(text.substr(colon))
                             : "[" + std::string(text) + "]");
  }
  const std::size_t colon = text.find(':');
  authority.host = text.substr(0, colon);
  if (colon == std::string_view::npos) return authority;
  authority.port = std::string(text.substr(colon + 1));
  const std::size_t last_colon = text.rfind(':');
  if (last_colon != colon && is_ipv6(text.substr(0, last_colon))) {
    return complain("has an IPv6 address without brackets", "[" + std::string(text.substr(0, last_colon)) +
                                                                "]" + std::string(text.substr(last_colon)));
  }
  return authority;
}

std::string bracketed(std::string_view host) {
  return is_ipv6(host) ? "[" + std::string(host) + "]" : std::string(host);
}

struct Scheme {
  std::string_view prefix;
  bool tls;
  uint16_t port;  // 0: the SRV records of the service name the ports
};

constexpr auto schemes = std::to_array<Scheme>({{"http://", false, 80},
                                                {"https://", true, 443},
                                                {"ws://", false, 80},
                                                {"wss://", true, 443},
                                                {"srv+http://", false, 0},
                                                {"srv+https://", true, 0}});

const Scheme* find_scheme(std::string_view text) {
  const auto found = std::find_if(schemes.begin(), schemes.end(),
                                  [&](const Scheme& scheme) { return text.starts_with(scheme.prefix); });
  return found == schemes.end() ? nullptr : &*found;
}

// Parses the path after "unix:".
Parsed<EndpointUrl> parse_unix_endpoint(std::string_view text, std::string_view path) {
  if (path.empty()) return complain("has no path", "unix:/run/app.sock");
  if (path.starts_with("//"))
    return complain("has more than one slash before its path",
                    "unix:/" + std::string(path.substr(std::min(path.find_first_not_of('/'), path.size()))));
  if (path.starts_with('@'))
    return complain("has an abstract name; an endpoint's socket is a file", "unix:/run/app.sock");
  if (path.ends_with('/')) return complain("names a folder; an endpoint's socket is a file");
  if (path.find(':') != std::string_view::npos)
    return complain("has a \":\" in its path; nothing comes behind the path of a socket",
                    "unix:" + std::string(path.substr(0, path.find(':'))));
  EndpointUrl url;
  url.text = std::string(text);
  url.unix_path = std::string(path);
  return url;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [](char letter) {
    return is_letter(letter) || is_digit(letter) || letter == '+' || letter == '-' || letter == '.';
  });
}

// RFC 3986 pchar, without percent encoding.
bool is_path_letter(char letter) {
  return is_letter(letter) || is_digit(letter) ||
         std::string_view("-._~!$&'()*+,;=:@/").find(letter) != std::string_view::npos;
}

int hex_value(char letter) {
  if (is_digit(letter)) return letter - '0';
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  return -1;
}

// Whether the percent escape at `at` is in normal form: normalisation does not change it (RFC 3986 section
// 6.2.2).
bool is_normal_triplet(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return false;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  if (high < 0 || low < 0 || to_upper(text.substr(at + 1, 2)) != text.substr(at + 1, 2)) return false;
  const char letter = static_cast<char>(high * 16 + low);
  const bool is_unreserved = is_letter(letter) || is_digit(letter) || letter == '-' || letter == '.' ||
                             letter == '_' || letter == '~';
  const bool is_dangerous =
      letter == '/' || letter == '\\' || (letter >= 0 && letter < 0x20) || letter == 0x7f;
  return !is_unreserved && !is_dangerous;
}

// Returns the error for a host that is not valid.
std::string why_no_host(std::string_view host) {
  if (host.find_first_of("${%") != std::string_view::npos)
    return "has no valid host; a variable of the environment is written ${NAME}";
  return is_ascii(host)
             ? "has no valid host"
             : "has a host beyond ASCII; names of that kind are written as they are sent (xn--...)";
}

// Returns the path with percent escapes for the characters that a path must not contain.
std::string escaped_path(std::string_view text) {
  std::string path;
  for (const char letter : text) {
    if (is_path_letter(letter) || letter == '%')
      path += letter;
    else
      http::append_escape(letter, path);
  }
  return path;
}

// Returns an origin escaped for use in a regular expression.
std::string escaped(std::string_view origin) {
  std::string out;
  for (const char letter : origin) {
    if (letter == '.' || letter == '[' || letter == ']' || letter == '*') out += '\\';
    out += letter;
  }
  return out;
}

// Parses the part of an origin after "scheme://".
Parsed<OriginEntry> parse_origin_host(std::string_view text, const std::string& scheme,
                                      std::string_view rest) {
  const std::size_t path_at = rest.find_first_of("/?#");
  const std::string_view authority_text = rest.substr(0, path_at);
  if (authority_text.find('@') != std::string_view::npos) return complain("holds a user; an origin has none");
  std::string spelling = scheme + "://" + base::to_lower(authority_text);

  const bool is_wildcard = authority_text.starts_with("*.");
  Parsed<Authority> authority = split_authority(authority_text.substr(is_wildcard ? 2 : 0));
  if (!authority) return tl::unexpected<Complaint>(authority.error());
  if (authority->host.find('*') != std::string::npos) {
    return complain(
        "has \"*\" elsewhere than as the whole leftmost label (https://*.example.com); { pattern: ... } does "
        "more");
  }
  if (authority->host.ends_with('.')) {
    spelling.erase(spelling.rfind('.'), 1);
    return complain("has a dot at the end of its host, which makes no difference here", spelling);
  }
  const bool is_good_host = authority->bracketed ? !is_wildcard : is_host(authority->host);
  if (!is_good_host) return complain("has no valid host");
  if (is_wildcard && is_ipv4(authority->host)) return complain("has \"*\" before an address");
  if (authority->port) {
    if (*authority->port == "*")
      return complain("has \"*\" for a port; for any port write { pattern: '" +
                      escaped(spelling.substr(0, spelling.size() - 1)) + "[0-9]+' }");
    if (const auto port = parse_port(*authority->port, false); !port)
      return tl::unexpected<Complaint>(port.error());
    if (*authority->port == policy::default_port(scheme)) {
      spelling.resize(spelling.size() - authority->port->size() - 1);
      return complain("names the default port, which browsers leave out", spelling);
    }
  }
  if (path_at != std::string_view::npos) {
    return complain(rest.substr(path_at) == "/" ? "ends with \"/\"; an origin does not"
                                                : "has a path; an origin is scheme, host and port",
                    spelling);
  }
  if (spelling != text) return complain("is not in lower case, as browsers send it", spelling);
  OriginEntry entry;
  entry.kind = is_wildcard ? OriginEntry::Kind::wildcard : OriginEntry::Kind::exact;
  std::string scratch;
  entry.text = policy::canonical_origin(text, scratch);
  return entry;
}

// The same for a host that is not in ASCII: browsers send its A-labels.
Parsed<OriginEntry> parse_international_origin(const std::string& scheme, std::string_view rest) {
  const std::size_t begin = rest.starts_with("*.") ? 2 : 0;
  const std::size_t end = std::min(rest.find_first_of(":/?#@"), rest.size());
  const auto name = to_ascii_name(rest.substr(begin, end - begin));
  if (!name)
    return complain("has a name that cannot be converted to what browsers send (" + name.error() +
                    "); write the name as the browser's Origin field has it (xn--...)");
  const std::string spelling =
      scheme + "://" + std::string(rest.substr(0, begin)) + *name + std::string(rest.substr(end));
  return parse_origin_host(spelling, scheme, std::string_view(spelling).substr(scheme.size() + 3));
}

// Returns the scheme of the page whose sockets have this scheme, or an empty text.
std::string_view scheme_of_page(std::string_view scheme) {
  return scheme == "wss" ? "https" : scheme == "ws" ? "http" : "";
}

}  // namespace

bool is_ipv4(std::string_view text) {
  return text.find(':') == std::string_view::npos && base::IpAddress::parse(text);
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos && base::IpAddress::parse(text);
}

bool is_host(std::string_view text) { return is_name(text) || base::IpAddress::parse(text); }

bool is_loopback(std::string_view host) {
  const auto address = base::IpAddress::parse(host);
  return address ? address->is_loopback() : base::equal_ignoring_case(host, "localhost");
}

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  const std::string rule =
      "is not an address to listen on; write \":443\", \"127.0.0.1:443\", \"[::1]:443\" or \"localhost:443\"";
  if (const std::size_t colon = text.find("://"); colon != std::string_view::npos) {
    const std::string_view rest = text.substr(colon + 3);
    const std::string bare(rest.substr(0, rest.find('/')));
    return complain("has a scheme; an address is host and port", parse_listen_address(bare) ? bare : "");
  }
  if (parse_port(text, true)) return complain("is a port alone", ":" + std::string(text));
  if (text.starts_with("*:"))
    return complain("has \"*\" for a host; nothing means every address", std::string(text.substr(1)));
  Parsed<Authority> authority = split_authority(text);
  if (!authority) return tl::unexpected<Complaint>(authority.error());
  if (!authority->port)
    return complain(text.empty() ? rule : "has no port",
                    text.empty() ? "" : bracketed(authority->host) + ":443");
  const Parsed<uint16_t> port = parse_port(*authority->port, true);
  if (!port) return tl::unexpected<Complaint>(port.error());
  if (!authority->bracketed && !authority->host.empty() && !is_host(authority->host)) return complain(rule);
  return ListenAddress{authority->host, *port};
}

std::string endpoint_meant(std::string_view text) {
  if (text.starts_with('/')) return "unix:" + std::string(text);
  const std::string_view port = text.starts_with(':') ? text.substr(1) : text;
  if (parse_port(port, false)) return "http://127.0.0.1:" + std::string(port);
  for (const std::string scheme : {"http", "https"}) {
    if (!text.starts_with(scheme + ':')) continue;
    const std::size_t host = text.find_first_not_of('/', scheme.size() + 1);
    if (host != text.npos) return scheme + "://" + std::string(text.substr(host));
  }
  const bool is_bare =
      split_authority(text).map([](const Authority& bare) { return !bare.host.empty(); }).value_or(false);
  return is_bare ? "http://" + std::string(text) : "";
}

Parsed<EndpointUrl> parse_endpoint(std::string_view text) {
  EndpointUrl url;
  url.text = std::string(text);
  if (text == "demo:") {
    url.demo = true;
    return url;
  }
  constexpr std::string_view unix_scheme = "unix:";
  if (text.starts_with(unix_scheme)) return parse_unix_endpoint(text, text.substr(unix_scheme.size()));
  if (text.find(' ') != std::string_view::npos)
    return complain("has a space in it; an endpoint is one URL, and commas stand between several");
  const Scheme* scheme = find_scheme(text);
  if (scheme == nullptr) {
    const std::size_t colon = text.find("://");
    const std::string lower = base::to_lower(text.substr(0, colon));
    if (colon != std::string_view::npos && find_scheme(lower + "://") != nullptr) {
      return complain("has a scheme that is not in lower case", lower + std::string(text.substr(colon)));
    }
    if (lower == "grpc" || lower == "grpcs" || lower == "h2" || lower == "h2c")
      return complain("has a scheme of HTTP/2, which is not spoken yet; endpoints are reached over HTTP/1.1");
    if (colon != std::string_view::npos) {
      const std::string_view meant = suggest(lower, {"http", "https", "ws", "wss"});
      return complain("has a scheme other than http, https, ws, wss, unix, srv+http and srv+https",
                      meant.empty() ? "" : std::string(meant) + std::string(text.substr(colon)));
    }
    return complain("has no scheme", endpoint_meant(text));
  }
  const std::string_view rest = text.substr(scheme->prefix.size());
  const std::size_t end = rest.find_first_of("/?#\\");
  const std::string_view authority_text = rest.substr(0, end);
  if (authority_text.find('@') != std::string_view::npos)
    return complain("holds a user; an endpoint has none");
  if (end != std::string_view::npos) {
    return complain("has a path or a query; an endpoint is scheme, host and port",
                    std::string(scheme->prefix) + std::string(authority_text));
  }
  Parsed<Authority> authority = split_authority(authority_text);
  if (!authority) return tl::unexpected<Complaint>(authority.error());
  if (!authority->bracketed && !is_host(authority->host)) return complain(why_no_host(authority->host));
  url.tls = scheme->tls;
  url.host = authority->host;
  url.port = scheme->port;
  url.service = scheme->port == 0;
  if (url.service) {
    if (authority->port) return complain("has a port; the records of a service name the ports");
    if (authority->bracketed || !url.host.starts_with('_'))
      return complain("has no service for a host; write srv+http://_http._tcp.api.internal");
  }
  if (authority->port) {
    const Parsed<uint16_t> port = parse_port(*authority->port, false);
    if (!port) return tl::unexpected<Complaint>(port.error());
    url.port = *port;
  }
  return url;
}

Parsed<base::SocketAddress> parse_nameserver(std::string_view text) {
  constexpr uint16_t usual_port = 53;
  if (const auto address = base::IpAddress::parse(text)) return base::SocketAddress{*address, usual_port};
  Parsed<Authority> authority = split_authority(text);
  if (!authority) return tl::unexpected<Complaint>(authority.error());
  const auto address = base::IpAddress::parse(authority->host);
  if (!address) return complain("is not an address; write 10.0.0.53, 10.0.0.53:5353 or [::1]:5353");
  if (!authority->port) return base::SocketAddress{*address, usual_port};
  const Parsed<uint16_t> port = parse_port(*authority->port, false);
  if (!port) return tl::unexpected<Complaint>(port.error());
  return base::SocketAddress{*address, *port};
}

Parsed<std::string> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = base::IpAddress::parse(text.substr(0, slash));
  if (!address) return complain("is not an address or a block; write 10.0.0.0/8, 192.0.2.7 or ::1");
  const std::size_t bits = address->is_v6() ? 128 : 32;
  if (slash == std::string_view::npos) return address->text() + '/' + std::to_string(bits);
  const Parsed<uint64_t> prefix = parse_number(text.substr(slash + 1));
  if (!prefix || *prefix > bits) return complain("has no prefix length from 0 to " + std::to_string(bits));
  const base::IpAddress first = first_of_block(*address, *prefix);
  std::string block = first.text() + '/' + std::to_string(*prefix);
  if (first != *address) return complain("has bits set behind its prefix", std::move(block));
  return block;
}

Parsed<std::string> parse_route_host(std::string_view text) {
  if (text == "*") return complain("is every host; leave host out for that");
  if (text.find("://") != std::string_view::npos) return complain("has a scheme; a host is a name");
  if (text.find('/') != std::string_view::npos) return complain("has a path; that goes to match.path");
  const bool is_wildcard = text.starts_with("*.");
  Parsed<Authority> authority = split_authority(text.substr(is_wildcard ? 2 : 0));
  if (!authority) return tl::unexpected<Complaint>(authority.error());
  const std::string host = authority->host;
  const std::string lower =
      (is_wildcard ? "*." : "") + base::to_lower(authority->bracketed ? "[" + host + "]" : host);
  if (host.find('*') != std::string::npos)
    return complain("has \"*\" elsewhere than as the whole leftmost label (*.example.com)");
  if (!authority->bracketed && !is_host(host)) return complain("is not a host name");
  if (is_wildcard && (authority->bracketed || is_ipv4(host))) return complain("has \"*\" before an address");
  if (authority->port) return complain("has a port; a route matches on any port", lower);
  if (lower != text) return complain("is not in lower case", lower);
  return lower;
}

Parsed<std::string> parse_route_path(std::string_view text) {
  if (const std::size_t colon = text.find("://"); colon != std::string_view::npos && colon < text.find('/')) {
    const std::size_t slash = text.find('/', colon + 3);
    return complain("has a scheme and a host; the host goes to match.host",
                    slash == std::string_view::npos ? "/" : std::string(text.substr(slash)));
  }
  if (!text.starts_with('/')) return complain("does not begin with \"/\"", "/" + std::string(text));
  if (text.ends_with("/*") || text.ends_with("/**")) {
    const std::size_t end = text.rfind('/');
    return complain("has a \"*\"; a path is a prefix already",
                    std::string(text.substr(0, std::max<std::size_t>(end, 1))));
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (letter == '?' || letter == '#')
      return complain("has a query or a fragment; a path ends before it, and match.query looks at parameters",
                      std::string(text.substr(0, at)));
    if (letter == '%' ? !is_normal_triplet(text, at) : !is_path_letter(letter)) {
      return complain("holds a character that never stands in a normalised path",
                      letter == '%' ? "" : escaped_path(text));
    }
  }
  for (std::size_t at = 1; at <= text.size();) {
    const std::size_t slash = std::min(text.find('/', at), text.size());
    const std::string_view segment = text.substr(at, slash - at);
    if (segment == "." || segment == "..") return complain("has a dot segment, which no normalised path has");
    if (segment.empty() && slash < text.size()) return complain("has an empty segment (\"//\")");
    at = slash + 1;
  }
  return std::string(text);
}

Parsed<std::vector<std::string>> parse_matched_path(std::string_view text) {
  std::string written;
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? http::escaped_byte(text, at) : -1;
    if (byte < 0) {
      written += text[at];
      decoded += text[at];
      continue;
    }
    const char letter = static_cast<char>(byte);
    const bool is_escape_of_escape =
        letter == '%' && at + 4 < text.size() && hex_value(text[at + 3]) >= 0 && hex_value(text[at + 4]) >= 0;
    if (letter == ';' || is_escape_of_escape)
      return complain("has \"" + std::string(text.substr(at, is_escape_of_escape ? 5 : 3)) +
                      "\", which servers read in two ways: no request for it is let through");
    http::append_escape(letter, written);
    if (is_path_letter(letter) && letter != '/' && letter != ';')
      decoded += letter;
    else
      http::append_escape(letter, decoded);
    at += 2;
  }
  Parsed<std::string> path = parse_route_path(decoded);
  if (!path) return tl::unexpected<Complaint>(path.error());
  std::vector<std::string> spellings{std::move(*path)};
  if (written != spellings.front()) spellings.push_back(std::move(written));
  return spellings;
}

Parsed<OriginEntry> parse_origin(std::string_view text) {
  if (text == "*") return complain("would let every site in; list the origins, or write { pattern: ... }");
  if (text == "null") {
    OriginEntry entry;
    entry.kind = OriginEntry::Kind::null;
    entry.text = "null";
    return entry;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    const std::string_view host = text.substr(0, text.find_first_of("/?#"));
    return complain("has no scheme; browsers send one",
                    host.empty() ? "" : "https://" + base::to_lower(host));
  }
  if (!is_scheme(text.substr(0, colon))) return complain("has no valid scheme");
  const std::string scheme = base::to_lower(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 3);
  if (const std::string_view of_page = scheme_of_page(scheme); !of_page.empty())
    return complain("is the address of a socket; an origin is that of the page that opens it",
                    std::string(of_page) + "://" + std::string(rest.substr(0, rest.find_first_of("/?#"))));
  return is_ascii(rest) ? parse_origin_host(text, scheme, rest) : parse_international_origin(scheme, rest);
}

}  // namespace postern::config
