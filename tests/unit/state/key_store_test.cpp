#include "state/key_store.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "crypto/base64.h"

using namespace postern;
using namespace postern::state;
using crypto::Algorithm;

namespace {

LoadedKeys loaded(const std::string& name, std::initializer_list<std::string_view> secrets,
                  uint64_t settings = 1) {
  std::string keys;
  for (const std::string_view secret : secrets)
    keys += std::string(keys.empty() ? "" : ",") + R"({"kty":"oct","alg":"HS256","k":")" +
            crypto::encode_base64url(std::string(40, secret.front())) + "\"}";
  auto set = KeySet::from_jwks("{\"keys\":[" + keys + "]}", {Algorithm::hs256});
  REQUIRE(set.has_value());
  return {name, settings, std::move(*set)};
}

template <class... Loaded>
void take_effect(KeyStore& store, Loaded... one) {
  std::vector<LoadedKeys> all;
  (all.push_back(std::move(one)), ...);
  store.take_effect(std::move(all));
}

}  // namespace

TEST_CASE(
    "key store: keys that change hold for those who use them, and the generation tells when one is gone") {
  KeyStore store;
  take_effect(store, loaded("login", {"a"}));
  const auto keys = store.of("login");
  const uint64_t first = keys->generation();
  CHECK(first != 0);
  const LiveKeys::View before = keys->view();
  take_effect(store, loaded("login", {"a", "b"}));
  CHECK(store.of("login") == keys);
  CHECK(keys->view().keys->keys().size() == 2);
  CHECK(keys->generation() == first);
  take_effect(store, loaded("login", {"b"}));
  CHECK(keys->generation() > first);
  CHECK(keys->view().generation == keys->generation());
  CHECK(before.keys->keys().size() == 1);  // a check that is under way ends with what it began with
}

TEST_CASE("key store: under other settings a name has keys of its own, and the generation goes on") {
  KeyStore store;
  take_effect(store, loaded("login", {"a"}, 1));
  const auto old = store.of("login");
  take_effect(store, loaded("login", {"a", "b"}, 2));
  const auto fresh = store.of("login");
  CHECK(fresh != old);
  CHECK(fresh->generation() == old->generation());
  CHECK(old->view().keys->keys().size() == 1);
  take_effect(store, loaded("login", {"b"}, 3));
  CHECK(store.of("login")->generation() > fresh->generation());
}

TEST_CASE("key store: a name that is gone leaves nothing, and comes back under another generation") {
  KeyStore store;
  take_effect(store, loaded("login", {"a"}), loaded("other", {"a"}));
  CHECK(store.size() == 2);
  const uint64_t before = store.of("login")->generation();
  take_effect(store, loaded("other", {"a"}));
  CHECK(store.size() == 1);
  take_effect(store, loaded("other", {"a"}), loaded("login", {"a"}));
  CHECK(store.of("login")->generation() > before);
}

TEST_CASE("key store: other threads see keys and their generation together") {
  KeyStore store;
  take_effect(store, loaded("login", {"a"}));
  const auto keys = store.of("login");
  const uint64_t first = keys->generation();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const LiveKeys::View view = keys->view();
      // One key under the first generation, and one more with each further one.
      CHECK(view.keys->keys().size() == view.generation - first + 1);
    }
  });
  take_effect(store, loaded("login", {"b", "c"}));
  take_effect(store, loaded("login", {"d", "e", "f"}));
  done = true;
  reader.join();
  CHECK(keys->generation() == first + 2);
}

TEST_CASE("key store: keys that are gone are known until they come back") {
  KeyStore store;
  take_effect(store, loaded("login", {"a"}));
  const auto keys = store.of("login");
  CHECK(keys->gone().empty());
  const uint64_t a = keys->view().keys->keys()[0].number();
  take_effect(store, loaded("login", {"a", "b"}));
  CHECK(keys->gone().empty());
  take_effect(store, loaded("login", {"b"}));
  CHECK(keys->gone() == std::vector<uint64_t>{a});
  take_effect(store, loaded("login", {"b", "a"}));
  CHECK(keys->gone().empty());
  for (size_t i = 0; i < LiveKeys::gone_max + 100; ++i)
    take_effect(store, loaded("login", {std::string(1, static_cast<char>('a' + i % 2))}));
  CHECK(keys->gone().size() == 1);
}

TEST_CASE("key store: keys that are fetched, their fetches, and what a fetch has not brought") {
  using namespace std::chrono_literals;
  KeyStore store;
  std::vector<LoadedKeys> all;
  all.push_back({"login", 1, std::nullopt, 7, 5s});
  store.take_effect(std::move(all));
  const auto keys = store.of("login");
  CHECK(keys->are_fetched());
  CHECK(keys->wait() == 5s);
  CHECK(keys->view().keys == nullptr);
  const base::Instant later(1min);
  store.begin_fetch("login", later);
  CHECK(keys->fetches().begun == 1);
  CHECK(keys->fetches().ended == 0);
  CHECK(keys->fetches().next_allowed == later);
  store.end_failed_fetch("login");
  CHECK(keys->fetches().ended == 1);
  CHECK(keys->fetches().succeeded == 0);
  store.begin_fetch("login", later);
  LoadedKeys first = loaded("login", {"a"});
  CHECK_FALSE(store.end_fetch("login", std::move(*first.keys)));
  CHECK(keys->fetches().succeeded == 2);
  const uint64_t generation = keys->generation();
  store.drop("login");
  CHECK(keys->view().keys == nullptr);
  CHECK(keys->gone().size() == 1);
  CHECK(keys->generation() != generation);

  const uint64_t lost = key_number("lost");
  CHECK_FALSE(keys->is_missing(lost));
  keys->note_missing(lost);
  CHECK(keys->is_missing(lost));
  for (size_t i = 0; i < LiveKeys::missing_max; ++i) keys->note_missing(key_number(std::to_string(i)));
  CHECK_FALSE(keys->is_missing(lost));  // a table with a maximum
}
