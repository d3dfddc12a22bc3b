#include "app/key_probe.h"

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>

#include "app/control_dialer.h"
#include "base/root_task.h"
#include "identity/fetch_keys.h"

namespace postern::app {
namespace {

using Fetched = base::Result<identity::FetchedKeys>;

// Runs a loop until one fetch has ended.
class KeyProbe final : private base::RootTask<Fetched>::Owner {
 public:
  KeyProbe(const net::DnsOptions& names, const identity::KeySource& source)
      : dialer_(loop_), scope_(loop_.turn()) {
    dialer_.configure(names);
    base::RootTask<Fetched>::Owner& self = *this;
    task_.begin(identity::fetch_keys(scope_, loop_.turn(), dialer_.dialer(), source, account), self);
    if (!result) loop_.run();
  }

  std::optional<Fetched> result;
  std::string account;

 private:
  void on_task_ended(Fetched fetched) override {
    result.emplace(std::move(fetched));
    loop_.stop();
  }

  net::Loop loop_;
  ControlDialer dialer_;
  base::Scope scope_;
  base::RootTask<Fetched> task_;  // last: its waits are linked into the members above
};

}  // namespace

void probe_keys(const config::Document& document,
                const std::vector<std::shared_ptr<const identity::KeySource>>& sources,
                config::Diagnostics& findings) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const auto& source : sources) {
    const auto jwt = std::find_if(document.jwt.begin(), document.jwt.end(),
                                  [&](const config::JwtDocument& one) { return one.name == source->name; });
    const auto warn = [&](std::string sentence) {
      findings.warn(jwt->keys_location, "jwt." + source->name + ".keys", std::move(sentence));
    };
    KeyProbe probe(document.resolver, *source);
    if (!*probe.result)
      warn("the keys cannot be fetched now from " + identity::without_query(source->url) + ": " +
           probe.account);
    else
      for (const std::string& note : (*probe.result)->keys.notes()) warn(note);
  }
}

}  // namespace postern::app
