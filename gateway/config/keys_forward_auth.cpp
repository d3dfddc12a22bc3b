#include "config/keys_forward_auth.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.h"
#include "config/asked_servers.h"
#include "config/fingerprint.h"
#include "policy/forward_auth.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using policy::AuthAnswerField;
using policy::AuthKeyPart;

constexpr std::string_view token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

// ---- fields

Parsed<std::string> parse_answer_field(std::string_view text) {
  if (base::equal_ignoring_case(text, "authorization")) return std::string(text);
  return parse_settable_header(text);
}

void add_answer_field(const Value& value, std::string from, std::vector<ForwardAuthField>& fields) {
  auto to = value.parsed(parse_answer_field);
  if (!to) return;
  for (const ForwardAuthField& other : fields)
    if (base::equal_as_variable(other.to, *to))
      return value.complain(value.quote() + " stands in line " + std::to_string(other.location.line) +
                            " already");
  fields.push_back({{from.empty() ? *to : std::move(from), *to}, value.location()});
}

// A list of names, or a map of the name in the answer to the name for the endpoint.
std::optional<std::vector<ForwardAuthField>> read_answer_fields(const Value& value) {
  std::vector<ForwardAuthField> fields;
  if (value.is_map()) {
    for (const auto& [key, entry] : value.entries()) {
      if (!base::is_token(key.text)) value.complain_of_key(key, "is not a header name");
      add_answer_field(entry, key.text, fields);
    }
    return fields;
  }
  for (const Value& item : value.items_or_one()) add_answer_field(item, "", fields);
  return fields;
}

auto answer_fields() {
  return custom(read_answer_fields, "list of header names, or map of header name to header name",
                any_of({string_schema(token), list_schema(string_schema(token), 0, 1000),
                        entries_schema(string_schema(token), token)}),
                "[]");
}

// ---- the cache

Parsed<AuthKeyPart> parse_key_part(std::string_view text) {
  using Kind = AuthKeyPart::Kind;
  constexpr auto words =
      std::to_array<std::pair<std::string_view, Kind>>({{"method", Kind::method},
                                                        {"host", Kind::host},
                                                        {"path", Kind::path},
                                                        {"uri", Kind::uri},
                                                        {"client_address", Kind::client_address}});
  for (const auto& [word, kind] : words)
    if (text == word) return AuthKeyPart{kind, {}};
  for (const auto& [prefix, kind] : {std::pair<std::string_view, Kind>("header:", Kind::header),
                                     std::pair<std::string_view, Kind>("cookie:", Kind::cookie)}) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view name = text.substr(prefix.size());
    if (!base::is_token(name)) return complain("has no name of a header field or a cookie behind the colon");
    return AuthKeyPart{kind, std::string(name)};
  }
  return complain("is none of method, host, path, uri, client_address, header:NAME and cookie:NAME");
}

auto key_parts() {
  List<ParsedText<AuthKeyPart>> parts =
      list_or_one("list of method, host, path, uri, client_address, header:NAME and cookie:NAME",
                  text("part of a request", parse_key_part,
                       "method|host|path|uri|client_address|(header|cookie):[A-Za-z0-9!#$%&'*+.^_`|~-]+"),
                  "is empty; leave it out");
  parts.most = 20;
  return parts;
}

const Keys<ForwardAuthCache>& cache_keys() {
  static const auto keys =
      Keys<ForwardAuthCache>("forward_auth_cache")
          .begin([](const Value& value, ForwardAuthCache& cache) { cache.location = value.location(); })
          .key(
              "time", &ForwardAuthCache::kept, duration(100ms, 1h),
              "How long an answer of 2xx is kept. An answer that sets a cookie, or says no-store or no-cache "
              "in Cache-Control, is never kept. A session that has ended may pass for so long.")
          .required()
          .example("10s")
          .key("refusals", &ForwardAuthCache::refusals_kept, duration(100ms, 1h, none),
               "How long an answer of 401 or 403 is kept; others never are.")
          .by_default("none")
          .example("1s")
          .key("key", &ForwardAuthCache::key, key_parts(),
               "The parts of a request that decide: requests that are equal in them share an answer. "
               "cookie:NAME stands for all cookies whose names begin so, as a large session is split. A "
               "request "
               "that has none of the headers and cookies named here is asked about each time. Without this "
               "key, "
               "everything that the authentication server gets decides, so an answer serves only the same "
               "request of the same client.")
          .by_default("everything that is sent")
          .example("[\"cookie:_oauth2_proxy\", host]")
          .located(&ForwardAuthCache::key_location);
  return keys;
}

Parsed<std::string> parse_sign_in(std::string_view text) {
  if (const std::string_view problem = policy::sign_in_problem(text); !problem.empty())
    return complain(std::string(problem));
  return std::string(text);
}

}  // namespace

const Keys<ForwardAuthDocument>& forward_auth_keys() {
  static const auto keys =
      Keys<ForwardAuthDocument>("forward_auth")
          .begin([](const Value& value, ForwardAuthDocument& auth) {
            auth.location = value.location();
            auth.fingerprint = fingerprint(value.node());
          })
          .key("url", asked_server<ForwardAuthDocument>, asked_url(),
               "The URL that is asked with GET, such as http://127.0.0.1:4180/oauth2/auth. Host is that of "
               "the "
               "URL. Connections are kept and used again.")
          .by_default("required without upstream")
          .example("\"http://127.0.0.1:4180/oauth2/auth\"")
          .key("upstream", &ForwardAuthDocument::upstream, text("name"),
               "In place of url, an upstream that is asked: for several servers, a certificate authority of "
               "your own (ca), or a Unix socket.")
          .commented_out()
          .by_default("required without url")
          .example("oauth2-proxy")
          .located(&ForwardAuthDocument::upstream_location)
          .key("path", &ForwardAuthDocument::target, asked_path(),
               "The path that is asked of upstream, with a query if it needs one.")
          .commented_out()
          .example("/oauth2/auth")
          .key(
              "timeout", &ForwardAuthDocument::timeout, duration(10ms, 60s),
              "How long a request waits for the answer, from resolving the name on. Then it is answered with "
              "504.")
          .key("request_headers", &ForwardAuthDocument::request_fields,
               list_or_one("list of header names", text("header name", parse_header_name, token),
                           "is empty; leave it out"),
               "The header fields of the request that the authentication server gets, beside those of the "
               "gateway. Without it, it gets all but those of the connection, of the body, of a conditional "
               "or "
               "partial request and of the WebSocket handshake. It never gets the body.")
          .by_default("all")
          .example("[Cookie, Authorization]")
          .commented_out()
          .key("answer_headers", &ForwardAuthDocument::answer_fields, answer_fields(),
               "The header fields of an answer of 2xx that the endpoint gets: a list of names, or a map of "
               "the "
               "name in the answer to the name for the endpoint. A client can never send a field that an "
               "endpoint gets in this way, in no spelling and on no route; Authorization it cannot send on "
               "this route.")
          .example("{ X-Auth-Request-User: X-WEBAUTH-USER }")
          .key("set_cookies", &ForwardAuthDocument::sets_cookies, boolean(),
               "Whether the client gets the Set-Cookie fields of an answer of 2xx, beside those of the "
               "endpoint: so that a session which the authentication server renews stays alive.")
          .key("sign_in", &ForwardAuthDocument::sign_in,
               text("path or URL", parse_sign_in, "https?://.+|/.*"),
               "Where a browser that goes to a page (GET or HEAD) is sent with 302 when the answer is 401. "
               "{uri} in it stands for the path and query of the request, {url} for its whole address, both "
               "percent-encoded. Other requests get the 401, as do all without this key.")
          .example("\"/oauth2/start?rd={uri}\"")
          .commented_out()
          .key("answer_size", &ForwardAuthDocument::answer_size, size(1024, 1024 * 1024),
               "The largest body of an answer that goes to the client. A larger one becomes a 502.")
          .key(
              "cache", &ForwardAuthDocument::cache, map(cache_keys).or_none().short_for("time"),
              "Keeps answers in each worker, at most 8,192 of up to 4 KiB each, and lets equal requests that "
              "come at the same time share one answer. `cache: 10s` is short for { time: 10s }.")
          .at_most_one_of({"url", "upstream"}, "stands beside {}; one of them is asked")
          .at_least_one_of({"url", "upstream"}, "has neither url nor upstream; nobody could be asked")
          .needs("path", "upstream", "needs upstream; a url has its own path");
  return keys;
}

}  // namespace postern::config
