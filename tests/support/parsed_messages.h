// What the HTTP/1 parsers made of a stream of bytes, as plain values that can be compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http1/request_parser.h"
#include "http1/response_parser.h"

namespace postern::support {

struct ParsedMessage {
  // requests
  std::string method;
  std::string target;
  std::string authority;
  http::Version version = http::Version::http1_1;
  http::Upgrade upgrade = http::Upgrade::none;
  bool expects_continue = false;
  // responses
  uint16_t status = 0;
  std::string reason;
  // both
  http::BodyKind body_kind = http::BodyKind::none;
  uint64_t content_length = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers;
  bool complete = false;
  bool keep_alive = false;

  friend bool operator==(const ParsedMessage&, const ParsedMessage&) = default;
};

struct Parsed {
  std::vector<ParsedMessage> messages;  // the last one may not be complete
  std::optional<http1::Fault> fault;
  std::string rest;  // what came after an upgrade, or was left when the parser stopped

  bool refused() const { return fault.has_value(); }
};

using Pieces = std::vector<std::string_view>;

// Requests, one after another, up to an upgrade.
Parsed parse_requests(const Pieces& pieces, const http1::ParserLimits& limits = {});

// Responses to requests with these methods; the last method goes for all that follow. Interim ones count as
// messages of their own. `at_end`: the connection ends after the bytes.
struct ResponseReading {
  std::vector<http::Method> methods{http::Method::get};
  bool at_end = true;
  http1::ParserLimits limits{};
};
Parsed parse_responses(const Pieces& pieces, const ResponseReading& reading = {});

}  // namespace postern::support
