#include "app/revoke_command.h"

#include "app/admin_client.h"
#include "base/json.h"
#include "config/load.h"

namespace postern::app {
namespace {

using Answer = tl::expected<std::string, std::string>;

base::Json request_of(const RevokeOptions& options) {
  base::Json request = base::Json::object();
  const std::pair<const char*, const std::string*> members[] = {{"jti", &options.token_id},
                                                                {"sub", &options.subject},
                                                                {"sid", &options.session},
                                                                {"issuer", &options.issuer},
                                                                {"issued_before", &options.issued_before},
                                                                {"for", &options.lasts}};
  for (const auto& [name, text] : members)
    if (!text->empty()) request[name] = *text;
  // The listener takes Unix seconds as a number.
  const std::string& before = options.issued_before;
  if (!before.empty() && before.size() < 12 && before.find_first_not_of("0123456789") == before.npos)
    request["issued_before"] = std::stoll(before);
  return request;
}

// The sentence of an answer that is no success.
std::string problem_in(const AdminAnswer& answer) {
  const auto json = base::parse_json(answer.body);
  const std::string* sentence = json ? base::find_string(*json, "error") : nullptr;
  if (sentence && answer.status != 404) return *sentence;
  return "the admin listener answered with status " + std::to_string(answer.status);
}

}  // namespace

Answer revoke(const RevokeOptions& options) {
  const config::Attempt attempt = config::attempt_file(options.file, {.variables_may_be_missing = true});
  if (!attempt.has_document)
    return tl::unexpected(options.file + " cannot be used; postern check says what is wrong with it");
  const auto answer = post_to_admin(attempt.document, "/revoke", base::write_json(request_of(options)));
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return tl::unexpected(problem_in(*answer));
  if (options.json) return answer->body;
  const auto json = base::parse_json(answer->body);
  if (!json) return tl::unexpected(std::string("the admin listener gave an answer that is not understood"));
  const bool was_known = json->value("known", 0) > 0;
  return std::string(was_known ? "revoked already; the longer time counts" : "revoked") + " (" +
         std::to_string(json->value("entries", uint64_t{0})) + " in effect)\n";
}

}  // namespace postern::app
