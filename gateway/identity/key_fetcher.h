// Fetches the keys of all providers, once for the whole process: before they are old, and when a token names
// a key that is unknown. While a provider cannot be reached, its last keys stay, within a limit.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/turn.h"
#include "identity/key_source.h"
#include "net/dialer.h"
#include "state/key_store.h"

namespace postern::identity {

// What came of one fetch.
struct KeyNews {
  enum class Outcome : uint8_t {
    fetched,  // keys were fetched
    failed,   // none were, and the previous ones stay, if there are any
    dropped,  // none were for so long that the previous ones were removed
  };
  Outcome outcome = Outcome::fetched;
  std::string name;
  std::string url;
  std::string problem{};             // what went wrong
  std::vector<std::string> notes{};  // about keys that were left out; the same as last time are not repeated
  size_t keys = 0;                   // in use now
  bool changed = false;              // other keys than before, or a failure after a success, or the reverse
  bool removed = false;              // a key is gone: what hangs on it must end
  base::Duration age{};              // of the keys in use
  base::Duration next{};             // time until the next fetch, if nothing asks for an earlier one
};

// On one thread, the control thread, which also calls KeyStore::take_effect().
class KeyFetcher {
 public:
  class Owner {
   public:
    // A fetch has ended, and KeyStore has its result.
    virtual void on_keys(const KeyNews& news) = 0;

   protected:
    ~Owner() = default;
  };

  // All arguments outlive the fetcher. `seed` spreads the fetches of several gateways.
  KeyFetcher(base::Turn& turn, net::Dialer& dialer, state::KeyStore& store, Owner& owner, uint32_t seed);
  ~KeyFetcher();
  KeyFetcher(const KeyFetcher&) = delete;
  KeyFetcher& operator=(const KeyFetcher&) = delete;

  // To be called when the configuration with these sources has taken effect in the store. A source that is
  // unchanged goes on; new ones are fetched at once; others are forgotten.
  void adopt(const std::vector<std::shared_ptr<const KeySource>>& sources);
  // A request waits for keys of this name. Unknown names are ignored.
  void want(std::string_view name);

  // Without keys a fetch is repeated after this time, which doubles up to the cooldown.
  static constexpr base::Duration first_retry = std::chrono::seconds(1);

 private:
  class Provider;

  base::Turn& turn_;
  net::Dialer& dialer_;
  state::KeyStore& store_;
  Owner& owner_;
  std::minstd_rand random_;
  std::map<std::string, std::unique_ptr<Provider>, std::less<>> providers_;
};

}  // namespace postern::identity
