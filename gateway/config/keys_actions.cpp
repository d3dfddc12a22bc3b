#include "config/keys_actions.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/keys_headers.h"
#include "config/keys_listeners.h"
#include "config/text.h"
#include "files/site.h"
#include "policy/text_template.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using policy::MaintenanceOptions;
using policy::Placeholder;
using policy::TextTemplate;

// ---- files

// Parses a pattern of files/site.h: "/exact", "/folder/*", "*.js" or "*".
Parsed<std::string> parse_path_pattern(std::string_view text) {
  const std::size_t star = text.find('*');
  if (!text.starts_with('/') && !text.starts_with('*'))
    return complain("begins with neither \"/\" nor \"*\"", "/" + std::string(text));
  if (star != text.npos && star != 0 && star + 1 != text.size())
    return complain("has a \"*\" in its middle; it may stand at one end");
  if (text.size() > 1 && star == 0 && text.find('*', 1) != text.npos)
    return complain("has a \"*\" at both ends; it may stand at one");
  return std::string(text);
}

// A map of paths and patterns to values of Cache-Control.
std::optional<std::vector<std::pair<std::string, std::string>>> read_cache_rules(const Value& value) {
  std::vector<std::pair<std::string, std::string>> rules;
  for (const auto& [key, entry] : value.entries()) {
    auto pattern = parse_path_pattern(key.text);
    if (!pattern) {
      entry.diagnostics().error(key.location, value.path(), quoted(key.text) + ' ' + pattern.error().rule);
      continue;
    }
    if (auto text = entry.parsed(parse_field_value))
      rules.emplace_back(std::move(*pattern), std::move(*text));
  }
  return rules;
}

auto cache_rules() {
  return custom(read_cache_rules, "map of path to text",
                entries_schema(scalar_schema(), "/[^*]*\\*?|\\*[^*]*"));
}

// The name of the index file in the requested folder, so it must not be a path.
Parsed<std::string> parse_index(std::string_view text) {
  if (text.find('/') != text.npos) return complain("is not a file name: it has a \"/\"");
  if (text.starts_with('.')) return complain("begins with a dot, and such files are hidden");
  return std::string(text);
}

const Keys<files::SinglePage>& single_page_keys() {
  static const auto keys =
      Keys<files::SinglePage>("spa")
          .key("except", &files::SinglePage::except,
               list_of("list of paths", text("path", parse_route_path, "/.*")),
               "The path prefixes below which a missing file stays a 404 in a single-page application.")
          .commented_out();
  return keys;
}

// ---- respond

// The text may have several lines.
std::optional<std::string> read_body_text(const Value& value) {
  const auto text = value.lines();
  if (!text) return std::nullopt;
  if (text->size() > max_respond_body) value.complain("is longer than 64KiB; serve it with files");
  return std::string(*text);
}

auto body_text() { return custom(read_body_text, "text, at most 64KiB", scalar_schema(), "none"); }

std::optional<std::vector<std::pair<std::string, std::string>>> read_fixed_headers(const Value& value) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [key, entry] : value.entries()) {
    const auto name = parse_response_field(key.text);
    if (!name) {
      value.complain_of_key(key, name.error().rule);
      continue;
    }
    if (base::equal_ignoring_case(*name, "content-type")) {
      entry.complain("has a key of its own: content_type");
      continue;
    }
    if (auto text = entry.parsed(parse_field_value)) headers.emplace_back(*name, std::move(*text));
  }
  return headers;
}

auto fixed_headers() {
  return custom(read_fixed_headers, "map of header name to text",
                entries_schema(scalar_schema(), "[A-Za-z0-9!#$%&'*+.^_`|~-]+"), "none");
}

// RFC 9110 sections 6.4.1 and 15.3.6.
bool has_no_body(uint16_t status) { return status == 204 || status == 205 || status == 304; }

void check_respond(const Fields& fields, RespondDocument& respond) {
  const auto body = fields.take("body");
  const auto file = fields.take("body_file");
  for (const auto& said : {body, file})
    if (said && has_no_body(respond.status))
      said->complain("cannot go with status " + std::to_string(respond.status) + ", which has no body");
}

// ---- redirect

bool is_url_char(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`").find(c) == std::string_view::npos;
}

bool begins_with_path(const TextTemplate::Part& part) {
  return part.placeholder == Placeholder::path || part.placeholder == Placeholder::uri;
}

// Checks that a client cannot choose the host that a redirect leads to. {host} is allowed: the client already
// uses that host.
class RedirectCheck {
 public:
  // Returns the error, or an empty text.
  std::string run(const TextTemplate& to) {
    for (const TextTemplate::Part& part : to.parts())
      if (!part.placeholder && !std::all_of(part.text.begin(), part.text.end(), is_url_char))
        return "has a character that no URL may hold unescaped";
    const auto& parts = to.parts();
    if (begins_with_path(parts.front())) return {};
    size_t first = 0;  // the authority begins in this part, after `skip` bytes
    size_t skip = 0;
    if (parts.front().placeholder == Placeholder::scheme && parts.size() > 1 && !parts[1].placeholder &&
        parts[1].text.starts_with("://")) {
      first = 1;
      skip = 3;
    } else if (!parts.front().placeholder) {
      const std::string& text = parts.front().text;
      if (text.starts_with('/')) return path_problem(to);
      skip = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    }
    if (skip == 0) return "is neither a URL (https://...) nor a path (/...)";
    return authority_problem(to, first, skip);
  }

 private:
  // "//host/" is a URL without a scheme.
  static std::string path_problem(const TextTemplate& to) {
    const auto& parts = to.parts();
    const bool only_slash = parts.front().text.size() == 1;
    if (parts.front().text.starts_with("//")) return "begins with \"//\", which leads to another host";
    if (!only_slash || parts.size() == 1) return {};
    if (begins_with_path(parts[1])) return "has \"/\" before a placeholder that begins with one";
    return "has a placeholder right behind its first \"/\", by which a client could name another host";
  }

  static std::string authority_problem(const TextTemplate& to, size_t first, size_t skip) {
    const auto& parts = to.parts();
    bool empty = true;
    for (size_t i = first; i < parts.size(); ++i) {
      const std::string_view text = std::string_view(parts[i].text).substr(i == first ? skip : 0);
      if (parts[i].placeholder == Placeholder::host) {
        empty = false;
        continue;
      }
      if (parts[i].placeholder) {
        if (empty) return "names no host";
        if (begins_with_path(parts[i])) return {};
        return "has a placeholder in its host, by which a client could name another one; only {host} may "
               "stand there";
      }
      const size_t end = text.find_first_of("/?#");
      if (end == 0 && empty) return "names no host";
      if (text.substr(0, end).find('@') != std::string_view::npos) return "has a user in front of its host";
      if (end != std::string_view::npos) return {};
      empty = empty && text.empty();
    }
    return empty ? "names no host" : std::string();
  }
};

std::optional<TextTemplate> read_redirect_target(const Value& value) {
  auto to = read_template(value);
  if (!to) return std::nullopt;
  const std::string text(*value.text());
  if (const std::string foreign = foreign_variable(text); !foreign.empty()) value.complain(foreign);
  const std::string wrong = RedirectCheck().run(*to);
  const bool is_bare = text.find('/') != 0 && parse_route_host(text.substr(0, text.find('/'))).has_value();
  if (!wrong.empty()) value.refuse({wrong, is_bare ? "https://" + text : ""});
  return to;
}

auto redirect_target() {
  return custom(read_redirect_target, "URL or path with placeholders", string_schema("[/{h].*"));
}

}  // namespace

void UpstreamReference::read_into(const Value& value, RouteDocument& route) const {
  if (value.is_list() || value.is_map())
    return value.complain(
        "must be one name or URL; several endpoints are written upstreams: { NAME: { endpoints: "
        "[\"http://10.0.0.11:3001\", \"http://10.0.0.12:3001\"] } }, and upstream: NAME here");
  const auto text = value.text();
  if (!text) return;
  route.upstream = std::string(*text);
  route.upstream_location = value.location();
  const bool is_url =
      text->find("://") != std::string_view::npos || *text == "demo:" || text->starts_with("unix:");
  if (!is_url) return;
  auto url = value.parsed(parse_endpoint);
  if (!url) return;
  url->location = value.location();
  route.endpoint = std::move(*url);
}

void SinglePageKind::read_into(const Value& value, RouteDocument& route) const {
  files::SinglePage page;
  if (value.is_scalar()) {
    const auto on = value.boolean();
    if (!on || !*on) return;
  } else {
    single_page_keys().read(value, &page);
  }
  if (route.files) route.files->single_page = std::move(page);
}

std::string SinglePageKind::json_schema() const {
  return section_schema(single_page_keys(), {boolean().json_schema()});
}

const Section* SinglePageKind::section() const { return &single_page_keys(); }

const Keys<FilesDocument>& files_keys() {
  static const auto keys =
      Keys<FilesDocument>("files")
          .begin([](const Value& value, FilesDocument& files) {
            files.location = files.root_location = value.location();
          })
          .key("root", &FilesDocument::root, text("folder"),
               "The folder whose files are served. A relative path starts at the folder of the "
               "configuration file.")
          .required()
          .example("./dist")
          .commented_out()
          .located(&FilesDocument::root_location)
          .key("index", &FilesDocument::index, text("file name", parse_index, "[^./][^/]*"),
               "The file in a folder that is served for the folder itself.")
          .commented_out()
          .key("cache", &FilesDocument::cache, cache_rules(),
               "The Cache-Control field of served files, by path: \"/assets/*\", \"*.js\", \"/exact\" or "
               "\"*\". The first that fits counts.")
          .by_default("{ \"*.html\": no-cache }")
          .example("{ \"/assets/*\": \"public, max-age=31536000, immutable\" }")
          .commented_out()
          .key("precompressed", &FilesDocument::precompressed, boolean(),
               "Whether NAME.br, NAME.zst or NAME.gz beside a file NAME is sent in its place to clients "
               "that accept it.")
          .example("true")
          .commented_out()
          .key("hidden", &FilesDocument::hidden, boolean(),
               "Whether files and folders whose names begin with a dot are served. With false, only "
               "/.well-known is.")
          .commented_out();
  return keys;
}

const Keys<RespondDocument>& respond_keys() {
  static const auto keys =
      Keys<RespondDocument>("respond")
          .key("status", &RespondDocument::status, number(200, 599), "The HTTP status of the fixed response.")
          .commented_out()
          .key("body", &RespondDocument::body, body_text(),
               "The body of the fixed response. It may have several lines: `body: |` and the lines below "
               "it, indented.")
          .example("ok")
          .commented_out()
          .key("body_file", &RespondDocument::body_file, text("file, at most 64KiB"),
               "The file with the body of the fixed response, in place of respond.body. It is read at the "
               "start and at each reload.")
          .example("security.txt")
          .commented_out()
          .located(&RespondDocument::body_file_location)
          .key("content_type", &RespondDocument::content_type, text("media type", parse_field_value),
               "The media type of the fixed response's body. Without it, a body_file has the type that its "
               "extension says.")
          .by_default("text/plain; charset=utf-8")
          .example("application/json")
          .commented_out()
          .key("headers", &RespondDocument::headers, fixed_headers(),
               "Further header fields of the fixed response.")
          .example("{ Cache-Control: no-store }")
          .commented_out()
          .at_most_one_of({"body", "body_file"}, "stands beside {}; an answer has one of the two")
          .check(check_respond);
  return keys;
}

const Keys<RedirectDocument>& redirect_keys() {
  static const auto keys =
      Keys<RedirectDocument>("redirect")
          .begin([](const Value& value, RedirectDocument& redirect) { redirect.location = value.location(); })
          .key("to", &RedirectDocument::to, redirect_target(),
               "The URL or path that clients are redirected to. {uri} is path and query; others are "
               "{path}, {query}, {host}, {scheme}, {client}, {method}, {request_id}, {route}, "
               "{claim.NAME} and {client_certificate.NAME}. A path gets the prefix that a trusted proxy "
               "reports (X-Forwarded-Prefix) in "
               "front.")
          .required()
          .example("\"https://new.example.com{uri}\"")
          .commented_out()
          .key("status", &RedirectDocument::status,
               words<uint16_t>({{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}}),
               "The HTTP status of the redirect. Browsers remember 301 and 308; 307 and 308 keep the "
               "method.")
          .commented_out();
  return keys;
}

const Keys<MaintenanceOptions>& maintenance_keys() {
  static const auto keys =
      Keys<MaintenanceOptions>("maintenance")
          .key("message", &MaintenanceOptions::message, text(),
               "The message that clients get during maintenance.")
          .by_default("the built-in sentence")
          .example("\"Back at noon.\"")
          .commented_out()
          .key("retry_after", &MaintenanceOptions::retry_after, duration(1s, 168h).rounded_up(),
               "The time after which clients may try again during maintenance, sent as Retry-After.")
          .example("10m")
          .commented_out()
          .key("allow", &MaintenanceOptions::allow, Blocks(),
               "The client addresses that the route serves as usual during maintenance.")
          .example("[\"10.0.0.0/8\"]")
          .commented_out();
  return keys;
}

void check_actions(const Fields& fields, RouteDocument& route) {
  if (route.files && route.files->root.empty()) route.files.reset();
  const bool has_action = route.files || fields.take("upstream") || fields.take("files") ||
                          fields.take("respond") || fields.take("redirect") || fields.take("ticket");
  if (route.maintenance && !route.maintenance->allow.empty() && !has_action)
    fields.value().complain("has clients that pass maintenance, and no action for them");
}

}  // namespace postern::config
