// Text with placeholders that an operator writes for field values and redirects: "https://{host}{path}". Read
// once, when the configuration is compiled; filled in per request.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "policy/request_context.h"

namespace postern::policy {

enum class Placeholder : uint8_t {
  client,      // the client's address, after the trust list was applied
  host,        // the host it asked for, without the port; IPv6 in brackets
  path,        // normalised where it can be, see http::Target::path; begins with one "/"
  query,       // without "?"
  uri,         // path, and "?" with the query when there is one
  method,      //
  scheme,      // http or https
  request_id,  //
  route,       // the route's name
  upstream,    // the upstream's name; empty when the gateway answers itself
  endpoint,    // that answered, as it is written in the configuration; empty likewise
  claim,       // of the verified token, as claim_field_value writes it; empty without one
};

// "client", "host" and so on; "claim." is a prefix.
std::span<const std::string_view> placeholder_names();

struct TemplateProblem {
  std::string sentence;  // goes on after the quoted text
  std::string unknown;   // the name that no placeholder has, when this is what is wrong
};

// Immutable, and good for every thread. "{{" and "}}" stand for the braces themselves.
class TextTemplate {
 public:
  struct Part {
    std::string text;  // literal; or the claim's name
    std::optional<Placeholder> placeholder{};
  };

  static tl::expected<TextTemplate, TemplateProblem> read(std::string_view text);

  const std::vector<Part>& parts() const { return parts_; }
  bool uses(Placeholder placeholder) const;
  // The text itself, when it has no placeholders; else nothing.
  std::optional<std::string_view> fixed() const;
  // What it says for this request. Control characters cannot be in it: whatever a client put where a
  // placeholder looks, "?" stands for them.
  std::string fill(const RequestContext& context) const;

 private:
  std::vector<Part> parts_;
};

}  // namespace postern::policy
