// What a request must say besides host, path and method for a route to take it. All of it is what the client
// chose to send: conditions choose between routes and keep nobody out. What a route asks of its requests is
// the business of its policies.
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

// Of the value of a header field, a query parameter or a cookie.
struct ValueTest {
  enum class Kind : uint8_t {
    present,  // any value
    equals,   // one of `texts`
    prefix,   // begins with the first of them
    pattern,  // the whole value fits
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

// Where a request has several values of one name, one that fits is enough. Immutable once a table holds it.
struct Conditions {
  std::vector<std::shared_ptr<const policy::Pattern>> patterns{};  // one of them fits the path; empty: any
  std::vector<NamedTest> headers{};
  std::vector<NamedTest> query{};            // names and values as they are without percent encoding
  std::vector<NamedTest> cookies{};          // values without the quotes around them
  base::CidrSet client{};                    // empty: any
  std::vector<std::string> client_blocks{};  // the same, as they are written
  // Only of `none_of`: what a route itself says of them decides where it stands in the table.
  HostMatcher hosts{};
  PathMatcher paths{};
  std::unique_ptr<const Conditions> none_of{};  // not one of these fits

  // How many there are. The route with more of them is the more specific one.
  size_t count() const;
  bool fit(const Address& address) const;
  // Equal for conditions that say the same, in whatever order.
  std::string text() const;

 private:
  bool are_all(bool wanted, const Address& address) const;
};

}  // namespace postern::routing
