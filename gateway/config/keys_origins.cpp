#include "config/keys_origins.h"

#include <chrono>

#include "config/addresses.h"
#include "config/fingerprint.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_pattern = 1024;
constexpr std::string_view token = "[A-Za-z0-9!#$%&'+.^_`|~-]+";

// Recognises simple patterns that match every origin. What other patterns let in is left to their author.
bool fits_everything(std::string_view pattern) {
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  if (pattern.ends_with('$')) pattern.remove_suffix(1);
  return pattern == ".*" || pattern == ".+" || pattern == "(.*)" || pattern == "(.+)" || pattern == ".*?";
}

void refuse_everybody(const Value& value, bool credentials) {
  value.refuse(
      {credentials
           ? "together with credentials: true would let every site act with a visitor's cookies, "
             "and browsers refuse the pair; list the origins"
           : "would let every site in; list the origins, or write { pattern: ... } for a family of them",
       ""});
}

void read_pattern(const Value& value, OriginsDocument& origins) {
  const auto text = value.text();
  if (!text) return;
  if (text->size() > max_pattern)
    value.complain("is longer than 1024 bytes");
  else if (fits_everything(*text))
    refuse_everybody(value, origins.credentials);
  else
    origins.allow.push_back(OriginEntry{{OriginEntry::Kind::pattern, std::string(*text)}, value.location()});
}

const Keys<OriginsDocument>& origin_pattern_keys() {
  static const auto keys =
      Keys<OriginsDocument>("origin_pattern")
          .key("pattern", itself<OriginsDocument>, custom(read_pattern, "RE2 expression", scalar_schema()),
               "An RE2 expression that the whole origin must fit.")
          .required();
  return keys;
}

void decode_origin(const Value& item, OriginsDocument& origins) {
  if (item.is_map()) return origin_pattern_keys().read(item, &origins);
  if (item.node().kind == Node::Kind::null) {
    item.complain("null is not a text in YAML; the origin of sandboxed pages is written \"null\", in quotes");
    return;
  }
  const auto text = item.text();
  if (!text) return;
  if (*text == "*") return refuse_everybody(item, origins.credentials);
  auto entry = item.parsed(parse_origin);
  if (!entry) return;
  entry->location = item.location();
  if (entry->kind == OriginEntry::Kind::null && origins.credentials) {
    item.warn("\"null\" with credentials: true trusts every sandboxed page and local file with cookies");
  }
  for (const OriginEntry& other : origins.allow) {
    if (other.kind != entry->kind || other.text != entry->text) continue;
    item.complain(item.quote() + " stands in line " + std::to_string(other.location.line) + " already");
    break;
  }
  origins.allow.push_back(std::move(*entry));
}

// The errors depend on whether credentials are allowed, so `credentials` is read first.
struct AllowedOrigins {
  void read_into(const Value& value, OriginsDocument& origins) const {
    const auto items = value.items();
    if (value.is_list() && items.empty()) value.complain("is empty; a list of origins names at least one");
    for (const Value& item : items) decode_origin(item, origins);
  }
  std::string words() const { return "list of origins"; }
  std::string shown(const OriginsDocument&) const { return {}; }
  std::string json_schema() const {
    const std::string origin = string_schema("null|[Hh][Tt][Tt][Pp][Ss]?://.+|[a-z][a-z0-9+.-]*://.+");
    return list_schema(section_schema(origin_pattern_keys(), {origin}), 1, 1000);
  }
  Shape shape() const { return Shape::list; }
  const Section* section() const { return &origin_pattern_keys(); }
};

}  // namespace

const Keys<OriginsDocument>& origin_keys() {
  static const auto keys =
      Keys<OriginsDocument>("origin_list")
          .begin([](const Value& value, OriginsDocument& origins) {
            origins.fingerprint = fingerprint(value.node());
          })
          .key("allow", itself<OriginsDocument>, AllowedOrigins(),
               "The web origins on the list: \"https://app.example.com\", \"https://*.example.com\" for "
               "all subdomains, { pattern: ... } with an RE2 expression for the whole origin, or \"null\" "
               "(in quotes) for sandboxed pages and local files. A host may be written in Unicode. A request "
               "of any other origin, or with more than one Origin field, is refused with 403; one without "
               "passes, but see require and csrf.")
          .required()
          .folded()
          .example("[\"https://app.example.com\", { pattern: \"https://pr-[0-9]+\\\\.example\\\\.com\" }]")
          .key("credentials", &OriginsDocument::credentials, boolean(),
               "Whether pages of the listed origins may send cookies and Authorization with their CORS "
               "requests (Access-Control-Allow-Credentials).")
          .example("true")
          .read_first()
          .key("methods", &OriginsDocument::methods,
               list_of("list of methods", text("method", parse_method, token)),
               "The methods that the answer to a CORS preflight allows, as far as the route takes them.")
          .key("headers", &OriginsDocument::headers,
               list_of("list of header names", text("header name", parse_header_name, token)),
               "The request header fields that the answer to a CORS preflight allows.")
          .by_default("those that the preflight asks for")
          .example("[Authorization, Content-Type]")
          .key("expose", &OriginsDocument::expose,
               list_of("list of header names", text("header name", parse_header_name, token)),
               "The response header fields that the scripts of a page may read "
               "(Access-Control-Expose-Headers).")
          .example("[X-Request-Id]")
          .key("max_age", &OriginsDocument::max_age, duration(0ms, 24h).in_whole_seconds(),
               "How long a browser may cache the answer to a CORS preflight (Access-Control-Max-Age).")
          .key("navigations", &OriginsDocument::refuse_navigations,
               words<bool>({{"pass", false}, {"refuse", true}}),
               "Whether a navigation from a page whose origin is not on the list, such as a submitted "
               "form, passes or is refused with 403. A navigation (Sec-Fetch-Mode: navigate) is no CORS "
               "request, and the page does not see the response. A WebSocket never passes this way.")
          .key("require", &OriginsDocument::require_on_websocket, boolean(),
               "Whether a WebSocket upgrade without an Origin field is refused with 403.")
          .key(
              "csrf", &OriginsDocument::csrf,
              words<policy::Csrf>({{"false", policy::Csrf::off},
                                   {"true", policy::Csrf::on},
                                   {"strict", policy::Csrf::strict}}),
              "Whether a request with cookies (or a password that the browser adds by itself) and a method "
              "other "
              "than GET, HEAD, OPTIONS or TRACE is refused "
              "with 403 when it comes from another site (cross-site request forgery), a submitted form "
              "included. Sec-Fetch-Site decides if the browser sends it, or else Origin, or else Referer; "
              "an origin on the list passes, but not \"null\". A request with none of them, which no browser "
              "sends, passes. strict refuses that one as well, and what comes from another origin of the "
              "same site.")
          .example("true")
          .key(
              "report_only", &OriginsDocument::report_only,
              words<ReportOnly>(
                  {{"false", ReportOnly::nothing}, {"true", ReportOnly::all}, {"csrf", ReportOnly::csrf}}),
              "Whether requests that the list and its csrf would refuse pass (true), or those that csrf "
              "alone "
              "would refuse (csrf). They are logged (would_refuse) and counted (postern_would_refuse_total). "
              "CORS for what the list would refuse is left to the application.")
          .check([](const Fields& fields, OriginsDocument& origins) {
            const auto reporting = fields.take("report_only");
            const bool is_idle = origins.report_only == ReportOnly::csrf && origins.csrf == policy::Csrf::off;
            if (reporting && is_idle) reporting->complain("has no effect: csrf is off");
          });
  return keys;
}

}  // namespace postern::config
