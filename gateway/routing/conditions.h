// Conditions on a request besides host, path and method. They examine only what the client chose to send:
// they select between routes and protect nothing. Protection is the task of a route's policies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "http/field_id.h"
#include "policy/pattern.h"
#include "routing/address.h"
#include "routing/host_matcher.h"
#include "routing/path_matcher.h"

namespace postern::routing {

// A test of the value of a header field, a query parameter or a cookie.
struct ValueTest {
  enum class Kind : uint8_t {
    present,  // any value
    equals,   // one of `texts`
    prefix,   // begins with texts[0]
    pattern,  // the whole value matches
  } kind = Kind::present;
  std::vector<std::string> texts{};
  std::shared_ptr<const policy::Pattern> pattern{};

  bool fits(std::string_view value) const;
};

struct NamedTest {
  std::string name;
  http::FieldId id = http::FieldId::other;  // of a header field
  ValueTest test;
};

// Where a request has several values of one name, one that fits is enough. Immutable after a table has taken
// it.
struct Conditions {
  std::vector<std::shared_ptr<const policy::Pattern>> patterns{};  // one must match the path; empty: any path
  std::vector<NamedTest> headers{};
  std::vector<NamedTest> query{};            // names and values without percent-encoding
  std::vector<NamedTest> cookies{};          // values without their quotes
  base::CidrSet client{};                    // empty: any
  std::vector<std::string> client_blocks{};  // the same blocks as they are configured
  // Used in `none_of` only: hosts and paths of the route itself decide its position in the table.
  HostMatcher hosts{};
  PathMatcher paths{};
  std::unique_ptr<const Conditions> none_of{};  // not one of these may fit

  // The number of conditions. The route with more conditions is the more specific one.
  size_t count() const;
  bool fit(const Address& address) const;
  // The same text for the same conditions, whatever their order.
  std::string text() const;

 private:
  bool are_all(bool wanted, const Address& address) const;
};

}  // namespace postern::routing
