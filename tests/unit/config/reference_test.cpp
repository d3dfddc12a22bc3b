#include "config/reference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/ascii.h"
#include "config/schema.h"
#include "unit/config/support.h"

using namespace postern::config;

namespace {

const std::string secret = "0123456789012345678901234567890123456789";

// A file that holds nothing but `value` at a schema path: "a[].b" is {a: [{b: value}]}, "*" is called x.
std::string only(std::string_view path, const std::string& value) {
  if (path.empty()) return value;
  const std::size_t dot = path.find('.');
  std::string name(path.substr(0, dot));
  const std::string inner = dot == std::string_view::npos ? value : only(path.substr(dot + 1), value);
  if (name == "*") name = "x";
  if (name.ends_with("[]")) return "{ " + name.substr(0, name.size() - 2) + ": [" + inner + "] }";
  return "{ " + name + ": " + inner + " }";
}

// The key path that diagnostics use for a schema path.
std::string key_of(std::string_view path) {
  std::string key;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '[') {
      key += "[0]";
      ++at;
    } else {
      key += path[at] == '*' ? 'x' : path[at];
    }
  }
  return key;
}

// Lower-case letters with a space between words, and at both ends: "As above." is " as above ".
std::string words_of(std::string_view text) {
  std::string words = " ";
  for (const char letter : postern::base::to_lower(text)) {
    if (letter >= 'a' && letter <= 'z')
      words += letter;
    else if (words.back() != ' ')
      words += ' ';
  }
  return words.ends_with(' ') ? words : words + ' ';
}

}  // namespace

TEST_CASE("reference: conf/reference.yaml is what the program prints") {
  std::ifstream file(POSTERN_SOURCE_DIR "/conf/reference.yaml");
  REQUIRE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  CHECK_MESSAGE(text.str() == reference_yaml(), "run `postern reference > conf/reference.yaml`");
}

TEST_CASE("reference: the defaults it prints are the defaults of the structs") {
  const auto loaded = load(reference_yaml(), environment_of({{"JWT_SECRET", secret}}));
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.text().empty());
  CHECK(loaded->workers == Document{}.workers);
  CHECK(loaded->via == Document{}.via);
  CHECK(loaded->request_id_header == Document{}.request_id_header);

  const LimitsDocument limits;
  CHECK(loaded->limits.connections == limits.connections);
  const postern::proxy::ListenerLimits shown = loaded->limits.listener;
  const postern::proxy::ListenerLimits usual;
  CHECK(shown.server.message.head_size == usual.server.message.head_size);
  CHECK(shown.server.message.target_size == usual.server.message.target_size);
  CHECK(shown.server.message.fields == usual.server.message.fields);
  CHECK(shown.server.requests == usual.server.requests);
  CHECK(shown.server.request_head == usual.server.request_head);
  CHECK(shown.server.keepalive == usual.server.keepalive);
  CHECK(shown.tls_handshake == usual.tls_handshake);
  CHECK(shown.connections_per_client == usual.connections_per_client);
  CHECK(shown.transfer.body_size == usual.transfer.body_size);
  CHECK(shown.transfer.request == usual.transfer.request);
  CHECK(shown.transfer.idle == usual.transfer.idle);
  CHECK(shown.transfer.request_rate == usual.transfer.request_rate);
  CHECK(shown.transfer.response_rate == usual.transfer.response_rate);
  CHECK(shown.transfer.tunnel_idle == usual.transfer.tunnel_idle);
  CHECK(loaded->limits.drain_timeout == limits.drain_timeout);
  CHECK(loaded->limits.tunnel_drain.percent == limits.tunnel_drain.percent);
  CHECK(loaded->limits.tunnel_drain.least == limits.tunnel_drain.least);
  CHECK(loaded->limits.tunnel_drain.within == limits.tunnel_drain.within);

  const LogDocument log;
  CHECK(loaded->log.format == log.format);
  CHECK(loaded->log.level == log.level);
  CHECK(loaded->log.access == log.access);
  CHECK(loaded->log.output == log.output);
  CHECK(loaded->log.redact == log.redact);

  const UpstreamDocument upstream;
  REQUIRE(loaded->upstreams.size() == 2);  // the second is that of the url of forward_auth
  CHECK(loaded->upstreams[0].balance == upstream.balance);
  CHECK(loaded->upstreams[0].insecure == upstream.insecure);
  CHECK(loaded->upstreams[0].connect_limit == upstream.connect_limit);
  CHECK(loaded->upstreams[0].response_limit == upstream.response_limit);
  CHECK(loaded->upstreams[0].idle_limit == upstream.idle_limit);
  CHECK(loaded->upstreams[0].keepalive == upstream.keepalive);
  CHECK(loaded->upstreams[0].keepalive_connections == upstream.keepalive_connections);
  CHECK(loaded->upstreams[0].response_head_size == upstream.response_head_size);
  CHECK(loaded->upstreams[0].response_fields == upstream.response_fields);
  CHECK(loaded->upstreams[0].retries.attempts == upstream.retries.attempts);

  const OriginsDocument origins;
  REQUIRE(loaded->origins.size() == 1);
  CHECK(loaded->origins[0].methods == origins.methods);
  CHECK(loaded->origins[0].max_age == origins.max_age);
  CHECK(loaded->origins[0].require_on_websocket == origins.require_on_websocket);

  const JwtDocument jwt;
  REQUIRE(loaded->jwt.size() == 1);
  CHECK(loaded->jwt[0].leeway == jwt.leeway);
  CHECK(loaded->jwt[0].require_expiry == jwt.require_expiry);

  REQUIRE(loaded->listeners.size() == 1);
  CHECK(loaded->listeners[0].tls->tls1_3_only == TlsDocument{}.tls1_3_only);
  REQUIRE(loaded->routes.size() == 1);
  CHECK(loaded->routes[0].jwt_required == RouteDocument{}.jwt_required);
}

TEST_CASE("reference: the list of parameters that are always redacted is complete") {
  const std::string text = reference_yaml();
  std::string one_line;
  for (const char letter : postern::base::to_lower(text)) one_line += letter == '\n' ? ' ' : letter;
  for (const std::string& name : LogDocument{}.redact) {
    CAPTURE(name);
    // It says "every name that ends in token" of those.
    CHECK((name.ends_with("token") || one_line.find(' ' + name + ',') != std::string::npos));
  }
}

TEST_CASE("reference: every key it names is known and really read") {
  for (const SchemaKey& key : schema()) {
    CAPTURE(key.path);
    // No key takes a list of lists, so a key that is read complains.
    const auto loaded = load(only(key.path, "[[[]]]"));
    REQUIRE_FALSE(loaded.has_value());
    const std::string wanted = key_of(key.path);
    bool is_read = false;
    for (const Problem& problem : loaded.error().problems()) {
      CAPTURE(problem.sentence);
      CHECK(problem.sentence.find("unknown key") == std::string::npos);
      is_read = is_read || problem.key.starts_with(wanted);
    }
    CHECK(is_read);
  }
}

namespace {

// The names of keys, and every word by which a type is described: "header" of "{ header: NAME }".
std::set<std::string> likely_names() {
  std::set<std::string> names;
  for (const SchemaKey& key : schema()) {
    names.emplace(key_name(key));
    std::string word;
    for (const char letter : key.type + ' ') {
      if ((letter >= 'a' && letter <= 'z') || letter == '_') {
        word += letter;
      } else if (!word.empty()) {
        names.insert(word);
        word.clear();
      }
    }
  }
  return names;
}

// The keys of `names` that are taken at a schema path; nothing where no map with fixed keys may stand.
std::set<std::string> accepted_keys(const std::string& path, const std::set<std::string>& names) {
  const std::string never = "no-such-key-anywhere";
  std::string map = never + ": 1";
  for (const std::string& name : names) map += ", \"" + name + "\": 1";
  const auto loaded = load(only(path, "{ " + map + " }"));
  REQUIRE_FALSE(loaded.has_value());
  REQUIRE_FALSE(loaded.error().full());
  std::set<std::string> unknown;
  for (const Problem& problem : loaded.error().problems())
    if (problem.sentence.starts_with("unknown key")) unknown.insert(problem.key);
  const std::string above = path.empty() ? "" : key_of(path) + '.';
  if (!unknown.contains(above + never)) return {};
  std::set<std::string> accepted;
  for (const std::string& name : names)
    if (!unknown.contains(above + name)) accepted.insert(name);
  return accepted;
}

}  // namespace

TEST_CASE("reference: every key that is accepted anywhere is in the table") {
  const std::set<std::string> names = likely_names();
  std::set<std::string, std::less<>> known;
  std::vector<std::string> places = {""};
  for (const SchemaKey& key : schema()) {
    known.insert(key.path);
    for (const char* behind : {"", "[]", ".*"}) places.push_back(key.path + behind);
  }
  std::size_t maps = 0;
  for (const std::string& place : places) {
    const std::set<std::string> accepted = accepted_keys(place, names);
    if (!accepted.empty()) ++maps;
    for (const std::string& name : accepted) {
      const std::string path = place.empty() ? name : place + '.' + name;
      CAPTURE(path);
      const bool is_status = place == "error_pages" && name != "detail";  // each status is a key
      // The map that is short for a list of one rule: its keys stand under those of the list.
      const bool is_short_form = place == "routes[].required_claims.*";
      CHECK((is_status || is_short_form || known.contains(path)));
    }
  }
  CHECK(maps >= 60);
}

// An editor's completion shows one of them, with nothing around it.
TEST_CASE("reference: every description means something alone") {
  for (const SchemaKey& key : schema()) {
    CAPTURE(key.path);
    CAPTURE(key.description);
    const std::string_view text = key.description;
    REQUIRE_FALSE(text.empty());
    CHECK(std::count(text.begin(), text.end(), ' ') >= 4);
    CHECK(((text.front() >= 'A' && text.front() <= 'Z') || text.front() == '"'));
    CHECK(text.ends_with('.'));
    const std::string words = words_of(text);
    CHECK_FALSE(words.ends_with(" the same "));
    for (const char* neighbour : {" these ", " likewise ", " as above ", " see above ", " see below ",
                                  " the same for ", " the same of ", " the rules below "}) {
      CAPTURE(neighbour);
      CHECK(words.find(neighbour) == std::string::npos);
    }
    for (const char* fragment :
         {" and ", " at ", " from ", " in all ", " of ", " so ", " the same ", " then "}) {
      CAPTURE(fragment);
      CHECK_FALSE(words.starts_with(fragment));
    }
  }
}

TEST_CASE("reference: a default points at no other place of the reference") {
  for (const SchemaKey& key : schema()) {
    CAPTURE(key.path);
    CAPTURE(key.default_text);
    const std::string words = words_of(key.default_text);
    for (const char* pointer : {" above ", " below ", " this ", " see "})
      CHECK(words.find(pointer) == std::string::npos);
  }
}

TEST_CASE("reference: JSON has one object per key") {
  const std::string json = reference_json();
  std::size_t count = 0;
  for (std::size_t at = json.find("\n{\"key\":\""); at != std::string::npos;
       at = json.find("\n{\"key\":\"", at + 1))
    ++count;
  CHECK(count == schema().size());
  CHECK(json.find(
            "{\"key\":\"listeners[].address\",\"type\":\"address\",\"default\":\"required\",\"meaning\":") !=
        std::string::npos);
  CHECK(json.ends_with("\n]}\n"));
}
