#include "identity/fetch_keys.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/json.h"

namespace postern::identity {
namespace {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;

constexpr uint64_t longest_freshness = 365ull * 24 * 60 * 60;  // seconds

// Reads the address of the JWKS in an issuer's metadata (OpenID Connect Discovery 1.0, section 4.3: the
// issuer in them must be the one that was asked for).
tl::expected<http::Url, std::string> jwks_url(const KeySource& source, std::string_view metadata) {
  const auto json = base::parse_json(metadata);
  if (!json) return tl::unexpected("the metadata " + std::string(describe(json.error().kind)));
  const std::string* issuer = base::find_string(*json, "issuer");
  if (!issuer || *issuer != source.issuer)
    return tl::unexpected<std::string>("the metadata are of another issuer than the configured one");
  const std::string* text = base::find_string(*json, "jwks_uri");
  if (!text) return tl::unexpected<std::string>("the metadata have no jwks_uri");
  auto url = http::read_url(*text);
  if (!url) return tl::unexpected("the jwks_uri of the metadata " + std::string(url.error()));
  if (!may_fetch(source, *url))
    return tl::unexpected<std::string>("the jwks_uri of the metadata is not https");
  return std::move(*url);
}

}  // namespace

std::string without_query(const http::Url& url) {
  const std::string text = url.text();
  return text.substr(0, text.find('?'));
}

std::optional<base::Duration> fresh_for(const http::Headers& headers) {
  std::optional<uint64_t> seconds;
  uint64_t age = 0;
  for (const http::HeaderField& field : headers) {
    if (base::equal_ignoring_case(field.name, "age")) age = base::parse_decimal(field.value).value_or(0);
    if (!base::equal_ignoring_case(field.name, "cache-control")) continue;
    std::string_view list = field.value;
    while (const auto directive = base::next_element(list)) {
      constexpr std::string_view max_age = "max-age=";
      if (base::equal_ignoring_case(*directive, "no-store") ||
          base::equal_ignoring_case(*directive, "no-cache"))
        return base::Duration::zero();
      if (base::equal_ignoring_case(directive->substr(0, max_age.size()), max_age))
        seconds = base::parse_decimal(directive->substr(max_age.size()));
    }
  }
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::min(longest_freshness, *seconds - std::min(age, *seconds)));
}

namespace {

// The metadata and the keys may be on different hosts, and each has its own way out.
tl::expected<FetchRequest, std::string> request_to(const http::Url& url, const KeySource& source) {
  auto proxy = outgoing_proxy(url, source.variables);
  if (!proxy) return tl::unexpected(proxy.error());
  return FetchRequest{url, source.tls.get(), std::move(*proxy), source.timeout};
}

}  // namespace

Task<Result<FetchedKeys>> fetch_keys(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                     const KeySource& source, std::string& account) {
  http::Url place = source.url;
  if (source.discover) {
    const auto request = request_to(source.url, source);
    if (!request) {
      account = request.error();
      co_return base::fail(Cause::upstream_unreachable, Stage::connect);
    }
    Task<Result<Fetched>> asking = fetch(scope, turn, dialer, *request, account);
    Result<Fetched> metadata = co_await asking;
    if (!metadata) {
      account = "the metadata: " + account;
      co_return base::fail(metadata.error());
    }
    auto url = jwks_url(source, metadata->body);
    if (!url) {
      account = url.error();
      co_return base::fail(Cause::upstream_bad_response, Stage::response_body);
    }
    place = std::move(*url);
  }
  const auto request = request_to(place, source);
  if (!request) {
    account = request.error();
    co_return base::fail(Cause::upstream_unreachable, Stage::connect);
  }
  Task<Result<Fetched>> fetching = fetch(scope, turn, dialer, *request, account);
  Result<Fetched> fetched = co_await fetching;
  if (!fetched) co_return base::fail(fetched.error());
  state::KeySet::Made keys = state::KeySet::from_jwks(fetched->body, source.algorithms);
  if (!keys) {
    account = keys.error();
    co_return base::fail(Cause::upstream_bad_response, Stage::response_body);
  }
  FetchedKeys result{std::move(*keys), without_query(place), fresh_for(fetched->head.headers)};
  co_return result;
}

}  // namespace postern::identity
