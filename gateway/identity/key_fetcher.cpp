#include "identity/key_fetcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/slot.h"
#include "base/task.h"
#include "identity/fetch_keys.h"

namespace postern::identity {

using base::Duration;
using base::Instant;
using base::Result;
using base::Task;

class KeyFetcher::Provider {
 public:
  Provider(KeyFetcher& fetcher, std::shared_ptr<const KeySource> source)
      : fetcher_(fetcher), source_(std::move(source)), scope_(fetcher.turn_) {
    refreshing_ = refresh_for_ever();
    refreshing_.begin();
  }

  uint64_t identity() const { return source_->identity; }
  // The same keys, with other times: a fetch under way ends as it began.
  void go_on_with(std::shared_ptr<const KeySource> source) { source_ = std::move(source); }
  // Ends its coroutine at once: what the coroutine waits for may have come already, and must not reach the
  // keys of another source.
  void retire() { refreshing_ = {}; }
  void want() {
    if (!std::exchange(wanted_, true)) question_.put(true);
  }

 private:
  struct Done {};

  Instant now() const { return fetcher_.turn_.now; }

  Task<Done> refresh_for_ever() {
    for (;;) {
      const std::shared_ptr<const KeySource> source = source_;
      allowed_at_ = now() + source->cooldown;
      fetcher_.store_.begin_fetch(source_->name, allowed_at_);
      std::string account;
      Task<Result<FetchedKeys>> fetching =
          fetch_keys(scope_, fetcher_.turn_, fetcher_.dialer_, *source, account);
      Result<FetchedKeys> fetched = co_await fetching;
      wanted_ = false;  // requests that this fetch does not help ask again
      if (fetched)
        take(std::move(*fetched));
      else
        note_failure(std::move(account));
      Task<Done> waiting = wait_until_due();
      const Done due = co_await waiting;
      static_cast<void>(due);
    }
  }

  // Waits for the time of the next fetch, or for a question once it is allowed.
  Task<Done> wait_until_due() {
    for (;;) {
      const Instant due = wanted_ ? std::min(refresh_at_, allowed_at_) : refresh_at_;
      if (due <= now()) break;
      base::Phase pause(scope_, base::Stage::policy, due - now());
      const Result<bool> asked = co_await question_.take(scope_);
      static_cast<void>(asked);  // either the time has come, or wanted_ is set
    }
    co_return Done{};
  }

  void take(FetchedKeys fetched) {
    KeyNews news = news_of(KeyNews::Outcome::fetched);
    news.url = std::move(fetched.url);
    news.keys = fetched.keys.keys().size();
    if (fetched.keys.notes() != notes_) news.notes = notes_ = fetched.keys.notes();
    const Digests digests = digests_of(fetched.keys);
    news.changed = !succeeded_at_ || failures_ > 0 || digests != digests_;
    digests_ = digests;
    keys_ = news.keys;
    failures_ = 0;
    succeeded_at_ = now();
    // Ahead of time, so that keys are never old; and not all gateways at the same time.
    const Duration fresh = std::clamp(fetched.fresh.value_or(source_->max_age), source_->min_age,
                                      std::max(source_->min_age, source_->max_age));
    news.next = std::chrono::duration_cast<Duration>(fresh * (0.75 + 0.15 * fraction()));
    refresh_at_ = now() + news.next;
    news.removed = fetcher_.store_.end_fetch(source_->name, std::move(fetched.keys));
    fetcher_.owner_.on_keys(news);
  }

  void note_failure(std::string account) {
    KeyNews news = news_of(KeyNews::Outcome::failed);
    news.changed = failures_ == 0 || account != problem_;
    problem_ = news.problem = std::move(account);
    fetcher_.store_.end_failed_fetch(source_->name);
    if (succeeded_at_) news.age = now() - *succeeded_at_;
    if (succeeded_at_ && news.age >= source_->keep) {
      fetcher_.store_.drop(source_->name);
      news.outcome = KeyNews::Outcome::dropped;
      news.removed = news.changed = true;
      succeeded_at_.reset();
      digests_.clear();
      keys_ = failures_ = 0;
    }
    news.keys = keys_;
    news.next = source_->cooldown;
    if (keys_ == 0) {  // requests cannot be served until it succeeds
      const uint32_t doublings = std::min<uint32_t>(failures_, 10);
      news.next = std::min(source_->cooldown, first_retry * (1u << doublings));
      allowed_at_ = now() + news.next;
    }
    ++failures_;
    refresh_at_ = now() + news.next;
    fetcher_.owner_.on_keys(news);
  }

  using Digests = std::vector<crypto::Sha256Digest>;
  static Digests digests_of(const state::KeySet& keys) {
    Digests digests;
    for (const state::VerificationKey& key : keys.keys()) digests.push_back(key.digest());
    std::sort(digests.begin(), digests.end());  // their order says nothing
    return digests;
  }

  KeyNews news_of(KeyNews::Outcome outcome) const {
    KeyNews news;
    news.outcome = outcome;
    news.name = source_->name;
    news.url = without_query(source_->url);
    return news;
  }
  double fraction() { return std::uniform_real_distribution<>(0, 1)(fetcher_.random_); }

  KeyFetcher& fetcher_;
  std::shared_ptr<const KeySource> source_;
  base::Scope scope_;
  base::Slot<bool> question_;
  bool wanted_ = false;   // a request waits for the next fetch
  Instant allowed_at_{};  // when a question may cause a fetch
  Instant refresh_at_{};
  std::optional<Instant> succeeded_at_;
  uint32_t failures_ = 0;  // since the last success
  size_t keys_ = 0;
  Digests digests_;  // of the keys in use
  std::vector<std::string> notes_;
  std::string problem_;
  Task<Done> refreshing_;  // declared last: destroyed before the members that it uses
};

KeyFetcher::KeyFetcher(base::Turn& turn, net::Dialer& dialer, state::KeyStore& store, Owner& owner,
                       uint32_t seed)
    : turn_(turn), dialer_(dialer), store_(store), owner_(owner), random_(seed) {}

KeyFetcher::~KeyFetcher() = default;

void KeyFetcher::adopt(const std::vector<std::shared_ptr<const KeySource>>& sources) {
  auto before = std::exchange(providers_, {});
  for (const std::shared_ptr<const KeySource>& source : sources) {
    const auto known = before.find(source->name);
    const bool stays = known != before.end() && known->second->identity() == source->identity;
    if (!stays) continue;
    providers_[source->name] = std::move(known->second);
    providers_[source->name]->go_on_with(source);
  }
  for (auto& [name, provider] : before)
    if (provider) provider->retire();
  for (const std::shared_ptr<const KeySource>& source : sources) {
    std::unique_ptr<Provider>& provider = providers_[source->name];
    if (!provider) provider = std::make_unique<Provider>(*this, source);
  }
}

void KeyFetcher::want(std::string_view name) {
  const auto provider = providers_.find(name);
  if (provider != providers_.end()) provider->second->want();
}

}  // namespace postern::identity
