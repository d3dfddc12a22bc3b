// Text with values of a request in it, to which a rule compares a claim: "{path.job_id}",
// "jobs:{path.job_id}:write", "{host}". It is parsed once, when the configuration is compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "policy/segment_template.h"

namespace postern::policy {

struct RequestContext;

// A value of the request that a rule may name.
struct RequestValue {
  enum class Kind : uint8_t {
    path,        // {path.NAME}: a segment that the rule's template names, without percent-encoding
    host_label,  // {host.NAME}: a label of the host, likewise
    host,        // {host}: the requested host in lower case, without the port
    query,       // {query.NAME}: the only parameter of that name, without percent-encoding
  };
  Kind kind{};
  std::string name{};
};

// Where a rule finds the values of one request. A request has several of these where its path has several
// readings (http/path_readings.h).
struct RequestValues {
  const RequestContext* context = nullptr;  // null: there is no request, and no value
  const SegmentTemplate* path = nullptr;    // null: the rule has no such template
  const SegmentTemplate* host = nullptr;    // likewise
  std::string_view reading{};               // of the path

  // Returns nothing where the request does not have the value, or has it empty, or more than once.
  std::optional<std::string> find(const RequestValue& value) const;
};

// Immutable; any thread may use it.
class RequestText {
 public:
  // "{{" and "}}" are escapes for single braces. The error is a sentence that continues after the quoted
  // text.
  static tl::expected<RequestText, std::string> read(std::string_view text);
  // The text as it is.
  static RequestText literal(std::string text);

  // The whole text when it has no values of a request; otherwise null.
  const std::string* fixed() const;
  // The values of the request that it has.
  std::vector<RequestValue> values() const;
  // Returns nothing when a value is missing.
  std::optional<std::string> fill(const RequestValues& values) const;

 private:
  struct Part {
    std::string text;
    std::optional<RequestValue> value{};  // nullopt: `text` as it is
  };
  std::vector<Part> parts_;  // never empty
};

}  // namespace postern::policy
