#include "config/keys_headers.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "config/suggest.h"
#include "config/text.h"
#include "policy/text_template.h"

namespace postern::config {
namespace {

using policy::FieldRule;
using Rules = std::vector<FieldRule>;
using ParseName = Parsed<std::string> (*)(std::string_view);

constexpr std::size_t max_rules = 100;
constexpr std::size_t max_template = 4096;
constexpr std::string_view name_of_field = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

void add_rule(Rules& rules, FieldRule rule, const Value& where) {
  for (const FieldRule& other : rules) {
    if (other.kind != rule.kind || other.is_usual || !base::equal_ignoring_case(other.name, rule.name))
      continue;
    where.complain("stands here twice, but for the case of its letters");
    return;
  }
  rules.push_back(std::move(rule));
}

struct RemovedFields {
  ParseName parse;
  void read_into(const Value& value, Rules& rules) const {
    for (const Value& item : value.items_or_one())
      if (auto name = item.parsed(parse))
        add_rule(rules, {FieldRule::Kind::remove, std::move(*name), {}}, item);
  }
  std::string words() const { return "list of header names"; }
  std::string shown(const Rules&) const { return "[]"; }
  std::string json_schema() const {
    const std::string name = string_schema(name_of_field);
    return any_of({name, list_schema(name, 0, 1000)});
  }
};

// A map of names to texts with placeholders.
struct FieldTemplates {
  FieldRule::Kind kind;
  ParseName parse;
  bool knows_endpoint;
  void read_into(const Value& value, Rules& rules) const {
    for (const auto& [key, entry] : value.entries()) {
      auto name = parse(key.text);
      if (!name) {
        value.complain_of_key(key, name.error().rule);
        continue;
      }
      auto read = read_template(entry);
      if (!read) continue;
      if (const std::string foreign = foreign_variable(*entry.text()); !foreign.empty()) entry.warn(foreign);
      if (!knows_endpoint && read->uses(policy::Placeholder::endpoint))
        entry.complain(
            "has {endpoint}, which is chosen for each attempt after the request is made; {upstream} is "
            "known");
      add_rule(rules, {kind, std::move(*name), std::move(*read)}, entry);
    }
  }
  std::string words() const { return "map of header name to text with placeholders"; }
  std::string shown(const Rules&) const { return "none"; }
  std::string json_schema() const { return entries_schema(scalar_schema(), name_of_field, max_rules); }
};

// What a preset fills in. All have the same names, so that one replaces another whole.
struct PresetField {
  const char* name;
  const char* secure;
  const char* isolated;
  bool over_tls = false;
};
constexpr auto preset_fields = std::to_array<PresetField>({
    {"Strict-Transport-Security", "max-age=31536000", "max-age=31536000", true},  // RFC 6797 7.2
    {"X-Content-Type-Options", "nosniff", "nosniff"},
    {"X-Frame-Options", "SAMEORIGIN", "SAMEORIGIN"},
    {"Content-Security-Policy", "frame-ancestors 'self'", "frame-ancestors 'self'"},
    {"Referrer-Policy", "strict-origin-when-cross-origin", "strict-origin-when-cross-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin-allow-popups", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "", "require-corp"},
    {"Cross-Origin-Resource-Policy", "", "same-origin"},
});

const std::vector<std::string_view>& preset_words() {
  static const std::vector<std::string_view> words = {"none", "secure", "isolated"};
  return words;
}

void read_preset(const Value& value, Rules& rules) {
  const auto word = value.one_of(preset_words());
  if (!word) return;
  for (const PresetField& field : preset_fields) {
    const char* text = *word == 0 ? "" : *word == 1 ? field.secure : field.isolated;
    rules.insert(rules.begin(), {FieldRule::Kind::fill, field.name, policy::TextTemplate::read(text).value(),
                                 field.over_tls, true});
  }
}

auto preset() {
  return custom(read_preset, "none, secure or isolated", words_schema(preset_words()), "none");
}

void check_count(const Fields& fields, Rules& rules) {
  if (rules.size() > max_rules) fields.value().complain("has more than 100 rules");
}

}  // namespace

const Keys<Rules>& request_header_keys() {
  static const auto keys =
      Keys<Rules>("request_headers")
          .key("remove", itself<Rules>, RemovedFields{parse_request_field},
               "The header fields that are removed from a request before it goes to an endpoint. \"_\" and "
               "\"-\" count as equal in their names.")
          .example("[X-Debug]")
          .key("set", itself<Rules>, FieldTemplates{FieldRule::Kind::set, parse_request_field, false},
               "The header fields that a request to an endpoint gets in place of whatever the client sent "
               "under their names. Values may hold {client}, {host}, {path}, {query}, {uri}, {method}, "
               "{scheme}, {request_id}, {route}, {upstream}, {claim.NAME} and {client_certificate.NAME} "
               "(subject, san, issuer, serial or fingerprint); a value that is empty when "
               "filled in sends no field.")
          .example("{ X-Real-IP: \"{client}\" }")
          .key("add", itself<Rules>, FieldTemplates{FieldRule::Kind::add, parse_request_field, false},
               "The header fields that are added to a request to an endpoint, beside any that the client "
               "sent under their names. Values may hold placeholders such as {client} and {claim.NAME}.")
          .example("{ X-Note: seen }")
          .check(check_count);
  return keys;
}

const Keys<Rules>& response_header_keys() {
  static const auto keys =
      Keys<Rules>("response_headers")
          .key("preset", itself<Rules>, preset(),
               "The header fields that every page should have, filled in where the endpoint sends none. "
               "secure: "
               "Strict-Transport-Security (a year, over https alone), X-Content-Type-Options: nosniff, "
               "X-Frame-Options: SAMEORIGIN, Content-Security-Policy: frame-ancestors 'self', "
               "Referrer-Policy: "
               "strict-origin-when-cross-origin and Cross-Origin-Opener-Policy: same-origin-allow-popups. "
               "isolated: the same with Cross-Origin-Opener-Policy: same-origin, "
               "Cross-Origin-Embedder-Policy: "
               "require-corp and Cross-Origin-Resource-Policy: same-origin, as a page needs for "
               "SharedArrayBuffer. A route's preset replaces that for all routes, and none cancels it.")
          .example("secure")
          .key("fill", itself<Rules>, FieldTemplates{FieldRule::Kind::fill, parse_response_field, true},
               "The header fields that a response gets where the endpoint has sent none under their names. "
               "They "
               "replace those of the preset.")
          .example("{ X-Frame-Options: DENY }")
          .key("remove", itself<Rules>, RemovedFields{parse_response_field},
               "The header fields that are removed from a response before it goes to the client.")
          .example("[Server, X-Powered-By]")
          .key("set", itself<Rules>, FieldTemplates{FieldRule::Kind::set, parse_response_field, true},
               "The header fields that a response gets in place of whatever the endpoint sent under their "
               "names. Values may hold {client}, {host}, {path}, {query}, {uri}, {method}, {scheme}, "
               "{request_id}, {route}, {upstream}, {endpoint}, {claim.NAME} and {client_certificate.NAME}; a "
               "value that is empty when "
               "filled in sends no field.")
          .example("{ Strict-Transport-Security: max-age=31536000 }")
          .key("add", itself<Rules>, FieldTemplates{FieldRule::Kind::add, parse_response_field, true},
               "The header fields that are added to a response, beside any that the endpoint sent under "
               "their names. Values may hold placeholders such as {request_id} and {endpoint}.")
          .example("{ Link: \"</app.css>; rel=preload\" }")
          .check(check_count);
  return keys;
}

std::string foreign_variable(std::string_view text) {
  struct Variable {
    std::string_view name;
    std::string_view ours;
  };
  constexpr auto variables = std::to_array<Variable>({{"$host", "{host}"},
                                                      {"$http_host", "{host}"},
                                                      {"$remote_addr", "{client}"},
                                                      {"$request_method", "{method}"},
                                                      {"$request_uri", "{uri}"},
                                                      {"$scheme", "{scheme}"},
                                                      {"$uri", "{path}"}});
  for (std::size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at + 1);
    const std::string_view name = text.substr(at, end - at);
    const auto* known = std::find_if(variables.begin(), variables.end(),
                                     [&](const Variable& variable) { return variable.name == name; });
    if (known != variables.end())
      return quoted(name) + " is sent as it stands; what nginx puts there is written " + quoted(known->ours);
  }
  return {};
}

std::optional<policy::TextTemplate> read_template(const Value& value) {
  const auto text = value.parsed(parse_field_value);
  if (!text) return std::nullopt;
  if (text->size() > max_template) {
    value.complain("is longer than 4KiB");
    return std::nullopt;
  }
  auto read = policy::TextTemplate::read(*text);
  if (read) return std::move(*read);
  std::string sentence = value.quote() + ' ' + read.error().sentence;
  if (!read.error().unknown.empty() && !value.node().substituted) {
    const auto names = policy::placeholder_names();
    const std::string meant = did_you_mean(read.error().unknown, {names.begin(), names.end()});
    sentence += ' ' + quoted('{' + read.error().unknown + '}') +
                (meant.empty() ? "; write \"{{\" for the character itself" : meant);
  }
  value.complain(std::move(sentence));
  return std::nullopt;
}

}  // namespace postern::config
