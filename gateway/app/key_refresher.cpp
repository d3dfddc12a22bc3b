#include "app/key_refresher.h"

#include <algorithm>
#include <random>

namespace postern::app {
namespace {

// A failure that goes on is logged again after this time.
constexpr base::Duration again_after = std::chrono::minutes(10);

int64_t seconds_of(base::Duration duration) {
  return std::chrono::round<std::chrono::seconds>(duration).count();
}

}  // namespace

KeyRefresher::KeyRefresher(net::Loop& loop, net::Dialer& dialer, state::KeyStore& store,
                           const telemetry::Logger& log, std::function<void(const KeysFetched&)> tell_workers)
    : loop_(loop),
      log_(log),
      tell_workers_(std::move(tell_workers)),
      fetcher_(loop.turn(), dialer, store, *this, std::random_device()()) {}

void KeyRefresher::adopt(const std::vector<std::shared_ptr<const identity::KeySource>>& sources) {
  std::map<std::string, Known> kept;
  for (const auto& source : sources) {
    kept[source->name] = std::move(known_[source->name]);
    kept[source->name].told = {};
  }
  known_ = std::move(kept);
  fetcher_.adopt(sources);
}

std::map<std::string, telemetry::ProviderKeys> KeyRefresher::numbers() const {
  const base::Instant now = loop_.turn().now;
  std::map<std::string, telemetry::ProviderKeys> all;
  for (const auto& [name, known] : known_) {
    telemetry::ProviderKeys& numbers = all[name] = known.numbers;
    if (numbers.keys > 0) numbers.age = now - known.fetched;
    numbers.next_fetch = std::max(base::Duration::zero(), known.next - now);
  }
  return all;
}

void KeyRefresher::on_keys(const identity::KeyNews& news) {
  Known& known = known_[news.name];
  known.numbers.keys = news.keys;
  known.next = loop_.turn().now + news.next;
  if (news.outcome == identity::KeyNews::Outcome::fetched) {
    ++known.numbers.fetched;
    known.fetched = loop_.turn().now;
  } else {
    ++known.numbers.failed;
  }
  log(news, known);
  tell_workers_(KeysFetched{news.name, news.removed});
}

void KeyRefresher::log(const identity::KeyNews& news, Known& known) const {
  using Outcome = identity::KeyNews::Outcome;
  for (const std::string& note : news.notes)
    log_.warn("jwt_keys_note", {{"jwt", news.name}, {"url", news.url}, {"note", note}});
  switch (news.outcome) {
    case Outcome::fetched:
      if (news.changed)
        log_.info("jwt_keys_fetched", {{"jwt", news.name},
                                       {"url", news.url},
                                       {"keys", news.keys},
                                       {"next_fetch_s", seconds_of(news.next)}});
      break;
    case Outcome::failed:
      if (!news.changed && loop_.turn().now - known.told < again_after) break;
      known.told = loop_.turn().now;
      log_.warn("jwt_keys_failed",
                {{"jwt", news.name},
                 {"url", news.url},
                 {"problem", news.problem},
                 {"keys_kept", news.keys},
                 {"age_s", seconds_of(news.age)},
                 {"next_fetch_s", seconds_of(news.next)},
                 {"remedy",
                  "see whether the provider answers at this URL; until then tokens are checked with "
                  "the keys that are kept, and without any the requests get 503"}});
      break;
    case Outcome::dropped:
      log_.error("jwt_keys_dropped",
                 {{"jwt", news.name},
                  {"url", news.url},
                  {"problem", news.problem},
                  {"age_s", seconds_of(news.age)},
                  {"remedy", "the keys are older than jwt.*.fetch.keep; see whether the provider answers"}});
      break;
  }
}

}  // namespace postern::app
