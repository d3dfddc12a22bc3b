// The DNS client: queries name servers with c-ares on the loop. Hosts file, search domains and name servers
// are the system's, unless the configuration names name servers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "net/loop.h"
#include "net/name_source.h"

struct ares_channeldata;

namespace postern::net {

struct DnsOptions {
  std::vector<base::SocketAddress> nameservers;      // in this order; empty: the system's
  base::Duration timeout = std::chrono::seconds(2);  // of the first try; the second has twice that
  friend bool operator==(const DnsOptions&, const DnsOptions&) = default;
};

class DnsClient final : public NameSource, private base::Timer {
 public:
  explicit DnsClient(Loop& loop, const DnsOptions& options = {});
  ~DnsClient() override;  // askers that still wait are not called
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  // Also reads the system's files again. Open queries are sent again. Returns true when the options differ
  // from those before.
  bool configure(const DnsOptions& options);

  void ask(NameKind kind, const std::string& name, Asker& asker) override;

  static constexpr size_t addresses_max = 64;  // addresses accepted for one name

 private:
  struct Query;
  struct Watch;
  friend struct Query;

  void open();
  void close();
  void put(Query& query);
  void watch(int descriptor, bool readable, bool writable);
  void process(int readable, int writable);
  void arm_timer();
  void on_deadline() override;

  Loop& loop_;
  DnsOptions options_;
  ares_channeldata* channel_ = nullptr;  // null: c-ares could not be started
  base::Link queries_;                   // open queries, owned by this client
  std::map<int, std::unique_ptr<Watch>> watches_;
  bool closing_ = false;  // the channel is being closed: results that c-ares reports now are not answers
};

}  // namespace postern::net
