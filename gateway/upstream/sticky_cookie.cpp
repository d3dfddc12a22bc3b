#include "upstream/sticky_cookie.h"

#include <algorithm>

#include "base/ascii.h"
#include "crypto/base64.h"
#include "http/cookies.h"

namespace postern::upstream {
namespace {

constexpr size_t id_octets = 12;       // 96 bits distinguish endpoints
constexpr size_t longest_value = 100;  // an id, a time and a MAC have 16, at most 20, and 43 characters
constexpr int most_checked = 4;        // MACs computed for one request

std::string_view name_of(StickyOptions::SameSite same_site) {
  switch (same_site) {
    case StickyOptions::SameSite::lax: return "Lax";
    case StickyOptions::SameSite::strict: return "Strict";
    case StickyOptions::SameSite::none: return "None";
  }
  return "Lax";
}

}  // namespace

StickyCookie::StickyCookie(StickyOptions options, std::string_view secret, std::string_view group,
                           const std::vector<std::string>& endpoints)
    : options_(std::move(options)), key_(crypto::Algorithm::hs256, secret), group_(group) {
  for (const std::string& endpoint : endpoints) {
    const std::string hash = key_.sign("endpoint\n" + group_ + '\n' + endpoint);
    ids_.push_back(crypto::encode_base64url(std::string_view(hash).substr(0, id_octets)));
  }
}

std::string StickyCookie::signed_part(std::string_view id, std::string_view expires) const {
  std::string text = "session\n" + group_ + '\n';
  text.append(id).append(1, '.').append(expires);
  return text;
}

std::optional<StickyCookie::Session> StickyCookie::read(const http::Headers& headers,
                                                        int64_t now_unix) const {
  std::optional<Session> found;
  int checked = 0;
  for (const http::HeaderField& field : headers) {
    if (field.id != http::FieldId::cookie) continue;
    http::each_cookie(field.value, [&](std::string_view, std::string_view name, std::string_view value) {
      // A cookie of the same name, for another path or set by someone else, does not hide the valid one.
      // Browsers send few of them; a client that sends many does not decide how many MACs are computed.
      if (found || name != options_.cookie || checked == most_checked) return;
      const std::optional<Claim> claim = read_value(value, now_unix);
      if (!claim) return;
      ++checked;
      if (key_.verify(signed_part(claim->id, claim->expires), claim->mac)) found = claim->session;
    });
  }
  return found;
}

// All cheap checks come before the MAC is computed.
std::optional<StickyCookie::Claim> StickyCookie::read_value(std::string_view value, int64_t now_unix) const {
  if (value.size() > longest_value) return std::nullopt;
  const size_t first = value.find('.');
  const size_t second = value.find('.', first == value.npos ? first : first + 1);
  if (second == value.npos) return std::nullopt;
  Claim claim;
  claim.id = value.substr(0, first);
  claim.expires = value.substr(first + 1, second - first - 1);
  const auto found = std::find(ids_.begin(), ids_.end(), claim.id);
  if (found == ids_.end()) return std::nullopt;
  const std::optional<uint64_t> end = base::parse_decimal(claim.expires);
  if (!end || static_cast<int64_t>(*end) <= now_unix) return std::nullopt;
  std::optional<std::string> mac = crypto::decode_base64url(value.substr(second + 1));
  if (!mac) return std::nullopt;
  claim.mac = std::move(*mac);
  const int64_t left = static_cast<int64_t>(*end) - now_unix;
  claim.session = Session{static_cast<size_t>(found - ids_.begin()), left * 2 < options_.ttl.count()};
  return claim;
}

void StickyCookie::strip(http::RequestHead& request) const { http::remove_cookie(request, options_.cookie); }

std::string StickyCookie::set_cookie(size_t endpoint, int64_t now_unix, bool client_has_tls) const {
  const std::string& id = ids_[endpoint];
  const std::string expires = std::to_string(now_unix + options_.ttl.count());
  std::string text = options_.cookie + '=' + id + '.' + expires + '.';
  text += crypto::encode_base64url(key_.sign(signed_part(id, expires)));
  text += "; Path=" + options_.path + "; Max-Age=" + std::to_string(options_.ttl.count()) + "; HttpOnly";
  const bool is_secure = options_.secure == StickyOptions::Secure::always ||
                         (options_.secure == StickyOptions::Secure::when_tls && client_has_tls);
  if (is_secure) text += "; Secure";
  text.append("; SameSite=").append(name_of(options_.same_site));
  return text;
}

}  // namespace postern::upstream
