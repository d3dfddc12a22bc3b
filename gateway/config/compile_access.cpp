#include "config/compile_access.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "config/compile_policy.h"
#include "config/examine_files.h"
#include "config/fingerprint.h"
#include "config/keys_basic_auth.h"
#include "policy/address_rules.h"
#include "policy/any_access.h"
#include "policy/basic_auth.h"
#include "policy/forward_auth.h"
#include "policy/jwt_forwarding.h"

namespace postern::config {
namespace {

constexpr size_t user_file_max = 1024 * 1024;

// Adds the user of one line. The error repeats nothing of the line.
std::string add_user_of_line(std::string_view line, policy::PasswordList& users) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return "is not of the form user:hash";
  const std::string_view name = line.substr(0, colon);
  if (const std::string_view problem = user_name_problem(name); !problem.empty()) return std::string(problem);
  auto hash = crypto::PasswordHash::parse(line.substr(colon + 1));
  if (!hash) return std::move(hash.error());
  return users.add(name, std::move(*hash)) ? "" : "has a user that is listed already";
}

bool add_users_of_file(const Document& document, const BasicAuthDocument& list, std::string_view text,
                       policy::PasswordList& users, Diagnostics& problems) {
  const std::string key = "basic_auth." + list.name + ".file";
  if (text.size() > user_file_max) {
    problems.error(list.file_location, key, resolve_file(document, list.file) + " is larger than 1 MiB");
    return false;
  }
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  bool is_good = true;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line =
        base::trim(text.substr(0, end == 0 || text[end - 1] != '\r' ? end : end - 1));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::string problem = add_user_of_line(line, users);
    if (problem.empty()) continue;
    problems.error(
        list.file_location, key,
        "line " + std::to_string(number) + " of " + resolve_file(document, list.file) + " " + problem);
    is_good = false;
  }
  return is_good;
}

std::vector<policy::JwtSource> token_places(const Document& document, const RouteDocument& route) {
  std::vector<policy::JwtSource> places;
  for (const JwtDocument* jwt : providers_of(document, route))
    places.insert(places.end(), jwt->from.begin(), jwt->from.end());
  return places;
}

// Says where a server is asked. False: its upstream does not exist, which is reported elsewhere.
bool place_server(const Document& document, const AskedServer& asked, const std::string& name,
                  policy::AuthServer& server, Fingerprint& identity) {
  const auto& upstreams = document.upstreams;
  const auto upstream = std::find_if(upstreams.begin(), upstreams.end(),
                                     [&](const UpstreamDocument& one) { return one.name == name; });
  if (upstream == upstreams.end()) return false;
  server.name = name;
  server.group = static_cast<size_t>(upstream - upstreams.begin());
  server.target = asked.target;
  identity.add(name);
  for (const EndpointUrl& endpoint : upstream->endpoints) identity.add(endpoint.text);
  return true;
}

}  // namespace

std::map<std::string, CompiledUsers> compile_users(const Document& document, Diagnostics& problems) {
  std::map<std::string, CompiledUsers> all;
  for (const BasicAuthDocument& list : document.basic_auth) {
    auto users = std::make_shared<policy::PasswordList>(list.name);
    for (const UserDocument& user : list.users)
      if (auto hash = crypto::PasswordHash::parse(user.hash)) users->add(user.name, std::move(*hash));
    Fingerprint fingerprint;
    fingerprint.add(list.fingerprint);
    if (!list.file.empty()) {
      const auto text = read_file(resolve_file(document, list.file), user_file_max);
      if (!text) {
        problems.error(list.file_location, "basic_auth." + list.name + ".file",
                       why_unreadable(document, list.file));
        continue;
      }
      if (!add_users_of_file(document, list, *text, *users, problems)) continue;
      fingerprint.add(*text);
    }
    if (users->size() == 0) {
      problems.error(list.location, "basic_auth." + list.name, "has no user; nobody could log in");
      continue;
    }
    all[list.name] = {std::move(users), list.realm.empty() ? list.name : list.realm, fingerprint.number()};
  }
  return all;
}

std::unique_ptr<const policy::Policy> forward_auth(const Document& document, const RouteDocument& route) {
  if (!route.forward_auth) return nullptr;
  const ForwardAuthDocument& auth = *route.forward_auth;
  policy::ForwardAuthOptions options;
  policy::AuthServer& server = options.server;
  Fingerprint identity;
  if (!place_server(document, auth, auth.upstream, server, identity)) return nullptr;
  server.timeout = auth.timeout;
  server.answer_size = auth.answer_size;
  server.request_fields = auth.request_fields;
  server.answer_fields.assign(auth.answer_fields.begin(), auth.answer_fields.end());
  server.sets_cookies = auth.sets_cookies;
  if (auth.cache) server.cache = *auth.cache;
  identity.add(auth.fingerprint);
  server.identity = identity.number();
  options.sign_in = auth.sign_in;
  return std::make_unique<policy::ForwardAuthPolicy>(std::move(options));
}

std::optional<policy::TokenRefresh> token_refresh(const Document& document, const RouteDocument& route) {
  if (!route.token_refresh) return std::nullopt;
  const TokenRefreshDocument& said = *route.token_refresh;
  policy::TokenRefresh refresh;
  policy::AuthServer& server = refresh.server;
  Fingerprint identity;
  const std::string& upstream = said.upstream.empty() ? route.upstream : said.upstream;
  if (!place_server(document, said, upstream, server, identity)) return std::nullopt;
  server.is_own_upstream = upstream == route.upstream;
  server.method = http::method_of(said.method);
  server.method_text = said.method;
  server.timeout = said.timeout;
  server.request_fields = {"Cookie", "Origin", "User-Agent"};
  server.sets_cookies = true;
  server.token = said.token;
  server.cache = policy::AuthCacheRules();
  server.cache->key = {{policy::AuthKeyPart::Kind::cookie, said.cookie}};
  for (const std::string& part : {said.target, said.method, said.cookie, said.token.name}) identity.add(part);
  identity.add(static_cast<uint64_t>(said.token.kind));
  server.identity = identity.number();
  refresh.cookie = said.cookie;
  if (route.cookies) refresh.cookies = policy::CookieRules(*route.cookies);
  return refresh;
}

void join_ways_in(const Document& document, const RouteDocument& route,
                  std::vector<std::unique_ptr<const policy::Policy>>& policies) {
  std::vector<policy::WayIn> ways;
  const auto move_way = [&](std::string_view name, std::function<void(policy::RequestContext&)> withdraw) {
    const auto found = std::find_if(policies.begin(), policies.end(),
                                    [&](const auto& policy) { return policy->name() == name; });
    if (found == policies.end()) return;
    ways.push_back({std::move(*found), std::move(withdraw)});
    policies.erase(found);
  };
  move_way("jwt", [places = token_places(document, route),
                   forwarding = route.forward_token](policy::RequestContext& context) {
    policy::remove_tokens(places, context);
    policy::clear_token_place(forwarding, context);
  });
  move_way("basic_auth", &policy::remove_basic_credentials);
  move_way("client_certificate", nullptr);
  if (route.forward_auth)
    move_way("forward_auth",
             [fields = std::vector<policy::AuthAnswerField>(route.forward_auth->answer_fields.begin(),
                                                            route.forward_auth->answer_fields.end())](
                 policy::RequestContext& context) { policy::remove_answer_fields(fields, context); });
  if (!route.allow.empty())
    ways.push_back({std::make_unique<policy::AddressRulesPolicy>(
                        policy::AddressRulesOptions{route.allow, {}, route.name}),
                    nullptr});
  policies.push_back(std::make_unique<policy::AnyAccessPolicy>(std::move(ways), route.name));
}

}  // namespace postern::config
