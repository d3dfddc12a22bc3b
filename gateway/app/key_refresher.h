// The keys of the process's providers: one fetcher on the control thread, whose results are logged and sent
// to every worker.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "app/messages.h"
#include "identity/key_fetcher.h"
#include "net/loop.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace postern::app {

class KeyRefresher final : private identity::KeyFetcher::Owner {
 public:
  // `loop` is the control thread's; `tell_workers` is called on that thread. The others outlive the
  // refresher.
  KeyRefresher(net::Loop& loop, net::Dialer& dialer, state::KeyStore& store, const telemetry::Logger& log,
               std::function<void(const KeysFetched&)> tell_workers);

  // Must be called after the snapshot was posted to the workers.
  void adopt(const std::vector<std::shared_ptr<const identity::KeySource>>& sources);
  void want(std::string_view name) { fetcher_.want(name); }
  // The numbers of every provider, by its name in `jwt`.
  std::map<std::string, telemetry::ProviderKeys> numbers() const;

 private:
  // What is known of one provider.
  struct Known {
    telemetry::ProviderKeys numbers;
    base::Instant told{};     // when a failure was last logged
    base::Instant fetched{};  // when the keys in use were
    base::Instant next{};     // when they are fetched again
  };

  void on_keys(const identity::KeyNews& news) override;
  void log(const identity::KeyNews& news, Known& known) const;

  net::Loop& loop_;
  const telemetry::Logger& log_;
  std::function<void(const KeysFetched&)> tell_workers_;
  std::map<std::string, Known> known_;
  identity::KeyFetcher fetcher_;
};

}  // namespace postern::app
