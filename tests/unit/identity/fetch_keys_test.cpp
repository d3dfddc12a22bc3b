#include "identity/fetch_keys.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace postern;
using namespace std::chrono_literals;
using identity::fresh_for;

TEST_CASE("fetch keys: how long a response may be used") {
  struct Row {
    const char* cache_control;
    const char* age;
    std::optional<base::Duration> fresh;
  };
  for (const Row& row :
       {Row{nullptr, nullptr, std::nullopt}, Row{"public", nullptr, std::nullopt},
        Row{"public, max-age=300", nullptr, 300s}, Row{"Max-Age=15, stale-if-error=86400", nullptr, 15s},
        Row{"max-age=300", "100", 200s}, Row{"max-age=300", "301", 0s}, Row{"max-age=300", "soon", 300s},
        Row{"no-store", nullptr, 0s}, Row{"max-age=300, no-cache", nullptr, 0s},
        Row{"max-age=x", nullptr, std::nullopt}, Row{"max-age=-5", nullptr, std::nullopt},
        Row{"s-maxage=10", nullptr, std::nullopt},
        Row{"max-age=18446744073709551615", nullptr, std::chrono::hours(24 * 365)}}) {
    CAPTURE(row.cache_control);
    http::Headers headers;
    if (row.cache_control) headers.add("Cache-Control", row.cache_control);
    if (row.age) headers.add("Age", row.age);
    CHECK((fresh_for(headers) == row.fresh));
  }
}

TEST_CASE("key source: the address of an issuer's metadata, and what may be fetched without TLS") {
  CHECK(identity::metadata_url("https://a/realms/b") ==
        "https://a/realms/b/.well-known/openid-configuration");
  CHECK(identity::metadata_url("https://a/") == "https://a/.well-known/openid-configuration");
  identity::FetchSettings settings;
  for (const char* good : {"https://a/", "http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/"})
    CHECK(identity::may_fetch(settings, *http::read_url(good)));
  const http::Url plain = *http::read_url("http://keycloak:8080/");
  CHECK_FALSE(identity::may_fetch(settings, plain));
  settings.insecure = true;
  CHECK(identity::may_fetch(settings, plain));
}
