// The messages that the HTTP/1 parsers read from a byte stream, as plain values that can be compared.
#pragma once

#include <algorithm>
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
  std::vector<ParsedMessage> messages;  // the last one may be incomplete
  std::optional<http::Fault> fault;
  std::vector<http::SeenDeviation> deviations;
  std::string rest;  // what came after an upgrade, or was not consumed when the parser stopped

  bool refused() const { return fault.has_value(); }
};

using Pieces = std::vector<std::string_view>;

inline std::vector<std::pair<std::string, std::string>> copied(const http::Headers& headers) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const http::HeaderField& field : headers) fields.emplace_back(field.name, field.value);
  return fields;
}

class RequestRecorder final : public http1::RequestParser::Events {
 public:
  explicit RequestRecorder(Parsed& parsed) : parsed_(parsed) {}
  void on_request(http::RequestHead head) override {
    ParsedMessage message;
    message.method = head.method_text;
    message.target = head.target;
    message.authority = head.authority;
    message.version = head.version;
    message.upgrade = head.upgrade;
    message.expects_continue = head.expects_continue;
    message.body_kind = head.body;
    message.content_length = head.content_length;
    message.fields = copied(head.headers);
    parsed_.messages.push_back(std::move(message));
  }
  void on_request_body(base::Bytes bytes) override { parsed_.messages.back().body += base::text_of(bytes); }
  void on_request_complete() override { parsed_.messages.back().complete = true; }

 private:
  Parsed& parsed_;
};

class ResponseRecorder final : public http1::ResponseParser::Events {
 public:
  explicit ResponseRecorder(Parsed& parsed) : parsed_(parsed) {}
  void on_response(http::ResponseHead head) override {
    ParsedMessage message;
    message.status = head.status;
    message.reason = head.reason;
    message.body_kind = head.body;
    message.content_length = head.content_length;
    message.fields = copied(head.headers);
    parsed_.messages.push_back(std::move(message));
  }
  void on_response_body(base::Bytes bytes) override { parsed_.messages.back().body += base::text_of(bytes); }
  void on_response_complete() override { parsed_.messages.back().complete = true; }

 private:
  Parsed& parsed_;
};

// Parses requests, one after another, up to an upgrade.
inline Parsed parse_requests(const Pieces& pieces, const http::MessageLimits& limits = {}) {
  Parsed parsed;
  RequestRecorder recorder(parsed);
  http1::RequestParser parser(limits, recorder);
  bool upgraded = false;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !upgraded) {
      const auto used = parser.feed(base::bytes_of(piece));
      if (!used) {
        parsed.fault = used.error();
        return parsed;
      }
      piece.remove_prefix(*used);
      if (!parser.complete()) continue;
      ParsedMessage& message = parsed.messages.back();
      message.keep_alive = parser.keep_alive();
      upgraded = message.upgrade != http::Upgrade::none;
      if (!upgraded) parser.next();
    }
    parsed.rest += piece;
  }
  return parsed;
}

// The requests that the responses answer: their methods, of which the last also applies to all further
// responses. Interim responses count as separate messages. `at_end`: the connection ends after the bytes.
struct ResponseReading {
  std::vector<http::Method> methods{http::Method::get};
  bool at_end = true;
  http::MessageLimits limits{};
};

inline Parsed parse_responses(const Pieces& pieces, const ResponseReading& reading = {}) {
  Parsed parsed;
  ResponseRecorder recorder(parsed);
  http1::ResponseParser parser(reading.limits, recorder);
  size_t answered = 0;
  const auto method = [&] { return reading.methods[std::min(answered, reading.methods.size() - 1)]; };
  parser.expect(method());
  const auto finish_message = [&] {
    ParsedMessage& message = parsed.messages.back();
    message.keep_alive = parser.keep_alive();
    message.trailers = copied(parser.trailers());
    if (message.status >= 200) ++answered;
  };
  bool upgraded = false;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !upgraded) {
      const auto used = parser.feed(base::bytes_of(piece));
      if (!used) {
        parsed.fault = used.error();
        return parsed;
      }
      piece.remove_prefix(*used);
      for (http::SeenDeviation& seen : parser.deviations().take())
        parsed.deviations.push_back(std::move(seen));
      if (!parser.complete()) continue;
      finish_message();
      upgraded = parsed.messages.back().status == 101;
      if (upgraded) continue;
      parser.next();
      parser.expect(method());
    }
    parsed.rest += piece;
  }
  if (!reading.at_end || upgraded || (parser.in_head() && !parser.begun())) return parsed;
  if (const auto ended = parser.at_end(); !ended)
    parsed.fault = ended.error();
  else if (!parsed.messages.empty())
    finish_message();
  return parsed;
}

}  // namespace postern::support
