#include "config/decode_action.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/decode_content.h"
#include "config/decode_header_rules.h"
#include "config/decode_upstream.h"
#include "config/text.h"
#include "policy/text_template.h"

namespace postern::config {
namespace {

using policy::Placeholder;
using policy::TextTemplate;

constexpr auto redirect_statuses = std::to_array<std::string_view>({"301", "302", "303", "307", "308"});

// An action and its key; the first one that a route has wins, the others are told.
constexpr auto actions = std::to_array<std::string_view>({"upstream", "files", "respond", "redirect"});

void decode_upstream_reference(const Value& value, RouteDocument& route, Document& document) {
  if (value.is_list() || value.is_map())
    return value.complain(
        "must be one name or URL; several endpoints are written upstreams: { NAME: { endpoints: "
        "[\"http://10.0.0.11:3001\", \"http://10.0.0.12:3001\"] } }, and upstream: NAME here");
  const auto text = value.text();
  if (!text) return;
  route.upstream = std::string(*text);
  route.upstream_location = value.location();
  if (text->find("://") != std::string_view::npos || *text == "demo:" || text->starts_with("unix:"))
    decode_inline_upstream(value, document);
}

// ---- respond

void decode_fixed_headers(const Value& value, RespondDocument& respond) {
  for (const auto& [key, entry] : value.entries()) {
    const auto name = parse_response_field(key.text);
    if (!name) {
      entry.diagnostics().error(key.location, entry.path(), quoted(key.text) + ' ' + name.error().rule);
      continue;
    }
    if (base::equal_ignoring_case(*name, "content-type")) {
      entry.complain("has a key of its own: content_type");
      continue;
    }
    if (auto text = entry.parsed(parse_field_value)) respond.headers.emplace_back(*name, std::move(*text));
  }
}

// RFC 9110 6.4.1, 15.3.6.
bool has_no_body(uint16_t status) { return status == 204 || status == 205 || status == 304; }

RespondDocument decode_respond(const Value& value) {
  const Fields fields(value);
  RespondDocument respond;
  respond.location = value.location();
  if (const auto status = fields.take("status")) set(respond.status, status->number(200, 599));
  const auto body = fields.take("body");
  if (body) {
    if (const auto text = body->lines()) respond.body = std::string(*text);
    if (respond.body.size() > max_respond_body) body->complain("is longer than 64KiB; serve it with files");
  }
  const auto file = fields.take("body_file");
  if (file) {
    respond.body_file_location = file->location();
    set(respond.body_file, file->text());
    if (body) file->complain("stands beside body; an answer has one of the two");
  }
  for (const auto& said : {body, file})
    if (said && has_no_body(respond.status))
      said->complain("cannot go with status " + std::to_string(respond.status) + ", which has no body");
  if (const auto type = fields.take("content_type"))
    set(respond.content_type, type->parsed(parse_field_value));
  if (const auto headers = fields.take("headers")) decode_fixed_headers(*headers, respond);
  return respond;
}

// ---- redirect

bool is_url_char(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`").find(c) == std::string_view::npos;
}

bool begins_with_path(const TextTemplate::Part& part) {
  return part.placeholder == Placeholder::path || part.placeholder == Placeholder::uri;
}

// Whether text that a client chose could become the host that a redirect leads to. {host} may: it is where
// the client is already.
class RedirectCheck {
 public:
  // What is wrong, or nothing.
  std::string run(const TextTemplate& to) {
    for (const TextTemplate::Part& part : to.parts())
      if (!part.placeholder && !std::all_of(part.text.begin(), part.text.end(), is_url_char))
        return "has a character that no URL may hold unescaped";
    const auto& parts = to.parts();
    if (begins_with_path(parts.front())) return {};
    size_t first = 0;  // the part that the authority begins in, behind `skip` bytes of it
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

std::optional<RedirectDocument> decode_redirect(const Value& value) {
  const Fields fields(value);
  RedirectDocument redirect;
  redirect.location = value.location();
  const auto to = fields.need("to");
  const auto text = to ? decode_template(*to) : std::nullopt;
  if (text) {
    if (const std::string foreign = foreign_variable(*text); !foreign.empty()) to->complain(foreign);
    const std::string wrong = RedirectCheck().run(*TextTemplate::read(*text));
    const bool is_bare =
        text->find('/') != 0 && parse_route_host(text->substr(0, text->find('/'))).has_value();
    if (!wrong.empty()) to->refuse({wrong, is_bare ? "https://" + *text : ""});
    redirect.to = *text;
  }
  if (const auto status = fields.take("status")) {
    const auto index = status->one_of({redirect_statuses.begin(), redirect_statuses.end()});
    if (index) redirect.status = static_cast<uint16_t>(*base::parse_decimal(redirect_statuses[*index]));
  }
  return redirect;
}

// ---- maintenance

std::optional<MaintenanceDocument> decode_maintenance(const Value& value) {
  using namespace std::chrono;
  MaintenanceDocument maintenance;
  maintenance.location = value.location();
  if (value.is_scalar()) {
    const auto on = value.boolean();
    return on && *on ? std::optional(maintenance) : std::nullopt;
  }
  const Fields fields(value);
  if (const auto message = fields.take("message")) set(maintenance.message, message->text());
  if (const auto after = fields.take("retry_after")) {
    const auto found = after->duration(seconds(1), hours(24 * 7));
    if (found) maintenance.retry_after = ceil<seconds>(*found);
  }
  if (const auto allow = fields.take("allow")) {
    for (const Value& item : allow->items())
      if (auto block = item.parsed(parse_cidr)) maintenance.allow.push_back(std::move(*block));
  }
  return maintenance;
}

void check_actions(const Fields& fields, const RouteDocument& route) {
  std::string_view first;
  for (std::string_view action : actions) {
    const auto found = fields.take(action);
    if (!found) continue;
    if (first.empty())
      first = action;
    else
      found->complain("stands beside " + std::string(first) + "; a route has one action");
  }
  if (!first.empty() || !fields.is_map()) return;
  for (std::string_view action : actions)
    if (fields.is_misspelt(action)) return;
  if (!route.maintenance)
    fields.value().complain("has no action: upstream, files, respond or redirect");
  else if (!route.maintenance->allow.empty())
    fields.value().complain("has clients that pass maintenance, and no action for them");
}

}  // namespace

void decode_action(const Fields& fields, RouteDocument& route, Document& document) {
  if (const auto upstream = fields.take("upstream")) decode_upstream_reference(*upstream, route, document);
  if (const auto files = fields.take("files")) route.files = decode_files(*files);
  if (const auto spa = fields.take("spa")) decode_single_page(*spa, fields, route);
  if (const auto respond = fields.take("respond")) route.respond = decode_respond(*respond);
  if (const auto redirect = fields.take("redirect")) route.redirect = decode_redirect(*redirect);
  if (const auto maintenance = fields.take("maintenance"))
    route.maintenance = decode_maintenance(*maintenance);
  check_actions(fields, route);
}

}  // namespace postern::config
