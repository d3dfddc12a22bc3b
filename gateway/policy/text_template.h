// Text with placeholders that an operator writes for field values and redirects: "https://{host}{path}". It
// is parsed once, when the configuration is compiled, and filled in for each request.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::policy {

struct RequestContext;

enum class Placeholder : uint8_t {
  client,      // the client's address, after the trust list was applied
  host,        // the requested host, without the port; IPv6 in brackets
  path,        // normalised if possible, see http::Target::path; begins with one "/"
  query,       // without "?"
  uri,         // path, and "?" with the query when there is one
  method,      //
  scheme,      // http or https
  request_id,  //
  route,       // the route's name
  upstream,    // the upstream's name; empty for the gateway's own responses
  endpoint,    // the answering endpoint as configured; empty likewise
  // Of the client's certificate, as certificate_text() writes it; empty without one.
  certificate_subject,
  certificate_names,
  certificate_issuer,
  certificate_serial,
  certificate_fingerprint,
  claim,  // of the verified token, encoded by claim_field_value(); empty without one
};

// The names "client", "host" and so on; "claim." is a prefix.
std::span<const std::string_view> placeholder_names();

struct TemplateProblem {
  std::string sentence;  // continues after the quoted text
  std::string unknown;   // the unknown placeholder name, when this is the problem
};

// Immutable; any thread may use it. "{{" and "}}" are escapes for single braces.
class TextTemplate {
 public:
  struct Part {
    std::string text;  // literal; or the claim's name
    std::optional<Placeholder> placeholder{};
  };

  static tl::expected<TextTemplate, TemplateProblem> read(std::string_view text);

  const std::vector<Part>& parts() const { return parts_; }
  bool uses(Placeholder placeholder) const;
  // The whole text when it has no placeholders; otherwise nothing.
  std::optional<std::string_view> fixed() const;
  // Returns the text for this request. It never contains control characters: those that a client put into a
  // placeholder's value are replaced by "?".
  std::string fill(const RequestContext& context) const;

 private:
  std::vector<Part> parts_;
};

}  // namespace postern::policy
