#include "config/keys_basic_auth.h"

#include <algorithm>

#include "config/fingerprint.h"
#include "crypto/password_hash.h"
#include "policy/basic_credentials.h"

namespace postern::config {
namespace {

constexpr std::size_t realm_max = 200;

Parsed<std::string> parse_realm(std::string_view text) {
  const bool is_printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!is_printable)
    return complain("has a character that is not printable ASCII, which browsers show differently");
  if (text.size() > realm_max) return complain("is longer than 200 bytes");
  return std::string(text);
}

// No error repeats a hash, or what stands in place of one.
std::optional<std::vector<UserDocument>> read_users(const Value& value) {
  std::vector<UserDocument> users;
  const auto entries = value.entries("a map of user to hash");
  if (value.is_map() && entries.empty()) value.complain("is empty; nobody could log in");
  for (const auto& [key, entry] : entries) {
    if (const std::string_view problem = user_name_problem(key.text); !problem.empty())
      entry.complain(std::string(problem));
    const auto text = entry.text();
    if (!text) continue;
    if (const auto hash = crypto::PasswordHash::parse(*text); !hash)
      entry.complain(hash.error());
    else
      users.push_back({key.text, hash->text()});
  }
  return users;
}

auto users() {
  return custom(read_users, "map of user to hash",
                entries_schema(string_schema("\\$(argon2id|2[aby]|y|6)\\$.+"), "", 0, 1), "none");
}

}  // namespace

std::string_view user_name_problem(std::string_view name) {
  if (name.empty()) return "has no name";
  if (name.size() > policy::user_name_max) return "has a name that is longer than 255 bytes";
  const bool is_good = std::all_of(name.begin(), name.end(),
                                   [](unsigned char c) { return c >= 0x20 && c != 0x7f && c != ':'; });
  return is_good ? "" : "has a name with a colon or a control character, which nobody can send";
}

const Keys<BasicAuthDocument>& basic_auth_keys() {
  static const auto keys =
      Keys<BasicAuthDocument>("basic_auth")
          .begin([](const Value& value, BasicAuthDocument& list) {
            list.fingerprint = fingerprint(value.node());
          })
          .key("realm", &BasicAuthDocument::realm, text("text", parse_realm, "[ -~]{1,200}"),
               "What a browser shows when it asks for user and password.")
          .by_default("the name of the list")
          .example("Staging")
          .key("users", &BasicAuthDocument::users, users(),
               "The users, each with the hash of the password, as `postern hash` prints it: argon2id, "
               "yescrypt, bcrypt or SHA-512 crypt. Plain text and hashes that are guessed quickly (MD5, "
               "SHA-1, DES) are refused.")
          .by_default("required without file")
          .example(
              "{ alice: "
              "\"$2b$12$l0jY1ptZuCLo0DD6xCyEaO1bF5s08IB/UykGkn9eWWbGkc5W1BzM6\" }")
          .key("file", &BasicAuthDocument::file, text("file"),
               "A file with further users, one line user:hash for each, as htpasswd -B writes it; lines that "
               "begin with # are comments. It is read again at every reload.")
          .by_default("required without users")
          .example("staging.users")
          .commented_out()
          .located(&BasicAuthDocument::file_location)
          .at_least_one_of({"users", "file"}, "has neither users nor a file; nobody could log in");
  return keys;
}

const Keys<BasicAuthUse>& basic_auth_use_keys() {
  static const auto keys =
      Keys<BasicAuthUse>("basic_auth_use")
          .begin([](const Value& value, BasicAuthUse& use) { use.location = value.location(); })
          .key("use", &BasicAuthUse::use, text("name"),
               "The name of the list of users under the top-level basic_auth.")
          .required()
          .example("staging")
          .located(&BasicAuthUse::location)
          .key("forward_user", &BasicAuthUse::user_field,
               text("header name", parse_settable_header, "[A-Za-z0-9!#$%&'*+.^_`|~-]+"),
               "The header field in which the endpoint gets the name of the user. A client can never send "
               "such a field itself.")
          .example("X-Remote-User")
          .located(&BasicAuthUse::user_field_location)
          .key("keep_authorization", &BasicAuthUse::keep_authorization, boolean(),
               "Whether the endpoint gets the Authorization field, with the password, once it was found "
               "right.");
  return keys;
}

}  // namespace postern::config
