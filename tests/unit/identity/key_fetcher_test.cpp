#include "identity/key_fetcher.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/fake_upstream.h"
#include "support/jwt_keys.h"
#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::identity;
using namespace std::chrono_literals;
using support::answers;
using support::Reach;
using support::response_text;

namespace {

std::string jwks(std::initializer_list<std::string_view> kids) {
  base::Json keys = base::Json::array();
  for (const std::string_view kid : kids) {
    base::Json key = support::p256_key().public_jwk();
    key["kid"] = kid;
    keys.push_back(key);
  }
  return base::write_json(base::Json{{"keys", keys}});
}

class FetcherFixture final : private KeyFetcher::Owner {
 public:
  explicit FetcherFixture(KeySource source = {}) { adopt(std::move(source)); }
  ~FetcherFixture() { turns.turn.run(); }

  void adopt(KeySource source) {
    source.name = "login";
    if (source.url.host.empty()) source.url = *http::read_url("http://localhost:1/keys");
    source.algorithms = {crypto::Algorithm::es256};
    std::vector<state::LoadedKeys> loaded;
    loaded.push_back({source.name, 1, std::nullopt, source.identity, source.wait});
    store.take_effect(std::move(loaded));
    fetcher.adopt({std::make_shared<const KeySource>(std::move(source))});
  }
  support::FakeEndpoint& provider() { return dialer.at(1); }
  size_t fetches() { return provider().request_count(); }
  size_t keys() {
    const auto view = store.of("login")->view();
    return view.keys ? view.keys->keys().size() : 0;
  }

  support::TurnFixture turns;
  support::FakeUpstream dialer{turns};
  state::KeyStore store;
  std::vector<KeyNews> news;
  KeyFetcher fetcher{turns.turn, dialer, store, *this, 1};

 private:
  void on_keys(const KeyNews& one) override { news.push_back(one); }
};

KeySource source_with(base::Duration cooldown, base::Duration keep) {
  KeySource source;
  source.cooldown = cooldown;
  source.keep = keep;
  return source;
}

}  // namespace

TEST_CASE("key fetcher: fetches at once, then ahead of the time that the provider names") {
  FetcherFixture fixture;
  fixture.provider().behaviour = answers(response_text(jwks({"a"}), "Cache-Control: max-age=300\r\n"));
  fixture.turns.settle();
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].outcome == KeyNews::Outcome::fetched);
  CHECK(fixture.news[0].changed);
  CHECK(fixture.news[0].keys == 1);
  CHECK(fixture.news[0].url == "http://localhost:1/keys");
  CHECK(fixture.keys() == 1);
  const support::HttpMessage& request = fixture.provider().last().requests.at(0);
  CHECK(request.start == "GET /keys HTTP/1.1");
  CHECK(request.field("Host") == "localhost:1");
  CHECK(fixture.provider().last().gateway_closed());
  fixture.turns.advance(220s);
  CHECK(fixture.fetches() == 1);
  fixture.turns.advance(60s);
  CHECK(fixture.fetches() == 2);
  CHECK_FALSE(fixture.news[1].changed);
}

TEST_CASE("key fetcher: what the provider says of the time is kept within bounds") {
  FetcherFixture fixture;
  fixture.provider().behaviour = answers(response_text(jwks({"a"}), "Cache-Control: max-age=1\r\n"));
  fixture.turns.advance(10min);
  CHECK(fixture.fetches() <= 15);  // not more often than min_age, one minute, says
  CHECK(fixture.fetches() >= 10);
  FetcherFixture slow;
  slow.provider().behaviour = answers(response_text(jwks({"a"}), "Cache-Control: max-age=86400\r\n"));
  slow.turns.advance(30min);
  CHECK(slow.fetches() >= 4);  // max_age is ten minutes
}

TEST_CASE("key fetcher: questions cause one fetch within the cooldown, however many they are") {
  FetcherFixture fixture;
  fixture.provider().behaviour = answers(response_text(jwks({"a"})));
  fixture.turns.settle();
  for (int i = 0; i < 1000; ++i) fixture.fetcher.want("login");
  fixture.fetcher.want("nobody");
  fixture.turns.advance(29s);
  CHECK(fixture.fetches() == 1);
  fixture.turns.advance(1100ms);
  CHECK(fixture.fetches() == 2);
  for (int i = 0; i < 600; ++i) {
    fixture.fetcher.want("login");
    fixture.turns.advance(100ms);
  }
  CHECK(fixture.fetches() <= 4);
  fixture.turns.advance(120s);  // nobody asks any more
  CHECK(fixture.fetches() <= 5);
}

TEST_CASE("key fetcher: a key that is gone is told, one that was added is not") {
  FetcherFixture fixture;
  fixture.provider().behaviour = answers(response_text(jwks({"a"})));
  fixture.turns.settle();
  const uint64_t generation = fixture.store.of("login")->generation();
  fixture.provider().behaviour = answers(response_text(jwks({"a", "b"})));
  fixture.fetcher.want("login");
  fixture.turns.advance(31s);
  REQUIRE(fixture.news.size() == 2);
  CHECK(fixture.news[1].changed);
  CHECK_FALSE(fixture.news[1].removed);
  CHECK(fixture.store.of("login")->generation() == generation);
  fixture.provider().behaviour = answers(response_text(jwks({"b"})));
  fixture.fetcher.want("login");
  fixture.turns.advance(31s);
  REQUIRE(fixture.news.size() == 3);
  CHECK(fixture.news[2].removed);
  CHECK(fixture.store.of("login")->generation() != generation);
}

TEST_CASE("key fetcher: while a provider fails its keys stay, until they are too old") {
  FetcherFixture fixture(source_with(30s, 5min));
  fixture.provider().behaviour = answers(response_text(jwks({"a"}), "Cache-Control: max-age=60\r\n"));
  fixture.turns.settle();
  struct Failure {
    std::function<void(support::FakeEndpoint&)> fails;
    const char* problem;
  };
  const std::string huge = "{\"keys\":[" + std::string(2 * 1024 * 1024, ' ') + "]}";
  for (const Failure& failure :
       {Failure{
            [](auto& one) { one.behaviour = answers(response_text("no", "", "503 Service Unavailable")); },
            "status 503"},
        Failure{[](auto& one) { one.behaviour = answers(response_text("<html>")); },
                "the JWKS is not valid JSON"},
        Failure{[](auto& one) { one.behaviour = answers(response_text("{\"keys\":[]}")); },
                "the JWKS is empty"},
        Failure{[&](auto& one) { one.behaviour = answers(response_text(huge)); },
                "the answer is larger than 1 MiB"},
        Failure{[](auto& one) {
                  one.behaviour =
                      answers(response_text("", "Location: https://elsewhere/keys\r\n", "302 Found"));
                },
                "status 302, which leads to https://elsewhere/keys (redirects are not followed; name that "
                "address)"},
        Failure{[](auto& one) { one.behaviour = support::says_nothing(); }, "it did not answer in time"},
        Failure{[](auto& one) { one.reach = Reach::refused; }, "127.0.0.1:1 refused"}}) {
    CAPTURE(failure.problem);
    failure.fails(fixture.provider());
    const size_t before = fixture.news.size();
    REQUIRE(fixture.turns.advance_until([&] { return fixture.news.size() > before; }, 70s));
    CHECK(fixture.news.back().outcome == KeyNews::Outcome::failed);
    CHECK(fixture.news.back().problem == failure.problem);
    CHECK(fixture.news.back().changed);
    CHECK(fixture.keys() == 1);
  }
  const bool dropped = fixture.turns.advance_until(
      [&] { return fixture.news.back().outcome == KeyNews::Outcome::dropped; }, 6min);
  CHECK(dropped);
  CHECK(fixture.news.back().age >= 5min);
  CHECK(fixture.news.back().removed);
  CHECK(fixture.keys() == 0);
  fixture.provider().reach = Reach::good;
  fixture.provider().behaviour = answers(response_text(jwks({"a"})));
  fixture.turns.advance(31s);
  CHECK(fixture.news.back().outcome == KeyNews::Outcome::fetched);
  CHECK(fixture.keys() == 1);
}

TEST_CASE("key fetcher: without keys it tries again soon, and then less often") {
  FetcherFixture fixture;
  fixture.provider().reach = Reach::refused;
  fixture.turns.advance(16s);
  CHECK(fixture.provider().dials >= 4);  // after 1, 2, 4 and 8 seconds
  CHECK(fixture.provider().dials <= 6);
  fixture.turns.advance(5min);
  CHECK(fixture.provider().dials <= 20);
  const auto changed =
      std::count_if(fixture.news.begin(), fixture.news.end(), [](const KeyNews& one) { return one.changed; });
  CHECK(changed == 2);  // the first fetch had a connection and no answer; after that it is the same failure
}

TEST_CASE("key fetcher: notes about keys that are left out are told once") {
  FetcherFixture fixture;
  base::Json keys = *base::parse_json(jwks({"a"}));
  keys["keys"].push_back({{"kty", "oct"}, {"k", "c2VjcmV0"}});
  fixture.provider().behaviour = answers(response_text(base::write_json(keys)));
  fixture.turns.settle();
  REQUIRE(fixture.news.at(0).notes.size() == 1);
  CHECK(fixture.news[0].notes[0].starts_with("key 2 is left out: "));
  fixture.turns.advance(20min);
  REQUIRE(fixture.news.size() > 1);
  CHECK(fixture.news.back().notes.empty());
}

TEST_CASE("key fetcher: the metadata of the issuer lead to the keys") {
  KeySource source;
  source.discover = true;
  source.issuer = "http://localhost:1/realm";
  source.url = *http::read_url(metadata_url(source.issuer));
  std::string issuer = source.issuer;
  std::string uri = "http://localhost:2/certs";
  FetcherFixture fixture(source);
  fixture.provider().behaviour = support::answers_with([&](const support::HttpMessage&) {
    return response_text(base::write_json(base::Json{{"issuer", issuer}, {"jwks_uri", uri}}));
  });
  fixture.dialer.at(2).behaviour = answers(response_text(jwks({"a"})));
  fixture.turns.settle();
  CHECK(fixture.provider().last().requests.at(0).start ==
        "GET /realm/.well-known/openid-configuration HTTP/1.1");
  CHECK(fixture.dialer.at(2).last().requests.at(0).start == "GET /certs HTTP/1.1");
  REQUIRE(fixture.news.size() == 1);
  CHECK(fixture.news[0].url == "http://localhost:2/certs");

  const auto fails_with = [&](std::string_view problem) {
    fixture.fetcher.want("login");
    fixture.turns.advance(31s);
    CHECK(fixture.news.back().problem == problem);
  };
  issuer = "http://localhost:1/other";
  fails_with("the metadata are of another issuer than the configured one");
  issuer = source.issuer;
  uri = "http://elsewhere.example/certs";
  fails_with("the jwks_uri of the metadata is not https");
  uri = "certs";
  fails_with("the jwks_uri of the metadata does not begin with https://");
  CHECK(fixture.keys() == 1);
}

TEST_CASE("key fetcher: a reload with the same source goes on, another source begins anew") {
  FetcherFixture fixture;
  fixture.provider().behaviour = answers(response_text(jwks({"a"})));
  fixture.turns.settle();
  const auto before = fixture.store.of("login");
  fixture.adopt({});
  fixture.turns.settle();
  CHECK(fixture.store.of("login") == before);
  CHECK(fixture.fetches() == 1);
  KeySource with_other_times;
  with_other_times.cooldown = 2s;
  fixture.adopt(with_other_times);
  fixture.turns.advance(31s);
  fixture.fetcher.want("login");
  fixture.turns.settle();
  CHECK(fixture.store.of("login") == before);
  CHECK(fixture.fetches() == 2);
  fixture.fetcher.want("login");
  fixture.turns.advance(2500ms);
  CHECK(fixture.fetches() == 3);  // the new cooldown holds
  KeySource other;
  other.identity = 2;
  fixture.provider().behaviour = support::says_nothing();
  fixture.adopt(other);
  fixture.turns.settle();
  CHECK(fixture.store.of("login") != before);
  CHECK(fixture.keys() == 0);
  CHECK(before->view().keys->keys().size() == 1);  // for requests of the configuration before
  fixture.fetcher.adopt({});                       // in the middle of a fetch
  fixture.turns.advance(1min);
  CHECK(fixture.news.size() == 3);
}
