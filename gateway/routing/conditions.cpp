#include "routing/conditions.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "http/target.h"

namespace postern::routing {
namespace {

using http::FieldId;
using http::HeaderField;

bool is_of(const HeaderField& field, const NamedTest& test) {
  return test.id != FieldId::other ? field.id == test.id : base::equal_ignoring_case(field.name, test.name);
}

// A preflight names the fields of the request that will follow it, but not their values.
bool is_announced(const http::Headers& headers, const NamedTest& test) {
  return headers.list_contains(FieldId::access_control_request_headers, test.name);
}

bool header_fits(const NamedTest& test, const Address& address) {
  if (!address.headers) return false;
  if (address.is_preflight && is_announced(*address.headers, test)) return true;
  return std::any_of(address.headers->begin(), address.headers->end(), [&](const HeaderField& field) {
    return is_of(field, test) && test.test.fits(field.value);
  });
}

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

bool cookie_fits(const NamedTest& test, const Address& address) {
  if (!address.headers) return false;
  for (const HeaderField& field : *address.headers) {
    if (field.id != FieldId::cookie) continue;
    std::string_view rest = field.value;
    for (std::string_view value; (value = http::cookie_value(rest, test.name)).data() != nullptr;) {
      if (test.test.fits(without_quotes(value))) return true;
      rest.remove_prefix(static_cast<size_t>(value.data() - rest.data()) + value.size());
    }
  }
  return false;
}

// Returns `text` without percent-encoding; `decoded` holds it when it differs.
std::string_view plain(std::string_view text, std::string& decoded) {
  if (text.find_first_of("%+") == text.npos) return text;
  decoded = http::decode_query_value(text);
  return decoded;
}

bool parameter_fits(const NamedTest& test, std::string_view query) {
  std::string decoded;
  for (size_t begin = 0, end = 0; begin < query.size(); begin = end + 1) {
    end = std::min(query.find('&', begin), query.size());
    const std::string_view parameter = query.substr(begin, end - begin);
    const size_t equals = std::min(parameter.find('='), parameter.size());
    if (plain(parameter.substr(0, equals), decoded) != test.name) continue;
    const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
    if (test.test.fits(plain(value, decoded))) return true;
  }
  return false;
}

template <class Tests, class Fits>
bool are(bool wanted, const Tests& tests, Fits&& fits) {
  return std::all_of(tests.begin(), tests.end(), [&](const auto& test) { return fits(test) == wanted; });
}

std::string text_of(const ValueTest& test) {
  std::string text = std::to_string(static_cast<int>(test.kind));
  std::vector<std::string> values = test.texts;
  if (test.pattern) values.push_back(test.pattern->text());
  std::sort(values.begin(), values.end());
  for (const std::string& value : values) text += ' ' + std::to_string(value.size()) + ':' + value;
  return text;
}

// Appends the sorted parts, each with `kind` before it.
void append(std::string& text, std::string_view kind, std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  for (const std::string& part : parts) {
    text += kind;
    text += ' ' + std::to_string(part.size()) + ':' + part + ';';
  }
}

std::vector<std::string> texts_of(const std::vector<NamedTest>& tests, bool any_case) {
  std::vector<std::string> parts;
  parts.reserve(tests.size());
  for (const NamedTest& test : tests)
    parts.push_back((any_case ? base::to_lower(test.name) : test.name) + '\n' + text_of(test.test));
  return parts;
}

}  // namespace

bool ValueTest::fits(std::string_view value) const {
  switch (kind) {
    case Kind::present: return true;
    case Kind::equals: return std::find(texts.begin(), texts.end(), value) != texts.end();
    case Kind::prefix: return value.starts_with(texts.front());
    case Kind::pattern: return pattern->fits(value);
  }
  return false;
}

size_t Conditions::count() const {
  const auto one = [](bool there) -> size_t { return there ? 1 : 0; };
  return one(!patterns.empty()) + headers.size() + query.size() + cookies.size() + one(!client.empty()) +
         one(hosts.size() != 0) + one(paths.size() != 0) + (none_of ? none_of->count() : 0);
}

// True when every single condition fits (`wanted`), or when every single one does not.
bool Conditions::are_all(bool wanted, const Address& address) const {
  if (!client.empty() && (address.client && client.contains(*address.client)) != wanted) return false;
  if (hosts.size() != 0 && HostMatcher::Walk(hosts, address.host).next().has_value() != wanted) return false;
  if (paths.size() != 0 && paths.match(address.path).has_value() != wanted) return false;
  if (!are(wanted, headers, [&](const NamedTest& test) { return header_fits(test, address); })) return false;
  if (!are(wanted, cookies, [&](const NamedTest& test) { return cookie_fits(test, address); })) return false;
  if (!are(wanted, query, [&](const NamedTest& test) { return parameter_fits(test, address.query); }))
    return false;
  if (patterns.empty()) return true;
  const bool fits = std::any_of(patterns.begin(), patterns.end(),
                                [&](const auto& pattern) { return pattern->fits(address.path); });
  return fits == wanted;
}

bool Conditions::fit(const Address& address) const {
  return are_all(true, address) && (!none_of || none_of->are_all(false, address));
}

std::string Conditions::text() const {
  std::string text;
  std::vector<std::string> expressions;
  for (const auto& pattern : patterns) expressions.push_back(pattern->text());
  append(text, "pattern", std::move(expressions));
  append(text, "header", texts_of(headers, true));
  append(text, "query", texts_of(query, false));
  append(text, "cookie", texts_of(cookies, false));
  append(text, "client", client_blocks);
  append(text, "host", hosts.texts());
  append(text, "path", paths.texts());
  if (none_of) text += "not{" + none_of->text() + '}';
  return text;
}

}  // namespace postern::routing
