// One client of the admin server: the coroutine of its requests, until it leaves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "admin/source.h"
#include "base/root_task.h"
#include "http/local_response.h"
#include "http1/server_connection.h"
#include "telemetry/metrics.h"

namespace postern::admin {

struct Served {};  // all of a client's requests

using SharedTotals = std::shared_ptr<const telemetry::Totals>;

class AdminConnection final : private http1::ServerConnection::Owner, private base::RootTask<Served>::Owner {
 public:
  class Owner {
   public:
    virtual Health health() const = 0;
    // Fills numbers(), later.
    virtual void on_numbers_wanted() = 0;
    // Told once. The client must not be freed in this call; it may be buried.
    virtual void on_connection_over(AdminConnection& client) = 0;

   protected:
    ~Owner() = default;
  };

  struct Options {
    bool any_host = false;  // else only what this machine is called: no page of a browser gets in by a name
                            // that it made point here
    base::Duration collect_limit = std::chrono::seconds(2);  // for the workers' numbers
    base::Duration write_limit = std::chrono::seconds(10);   // for the client to take an answer
    http1::ServerLimits http{.parser = {}, .keepalive = std::chrono::seconds(5)};
  };

  // `options` and `owner` outlive the client. begin() follows at once.
  AdminConnection(base::Turn& turn, const Options& options, std::unique_ptr<net::Transport> transport,
                  Owner& owner);
  void begin();

  // How much a connection deserves its place, when there are more than places.
  struct Merit {
    bool in_use = false;    // an answer to it is being made, or it has yet to take one
    base::Instant since{};  // idle: since it came or had its last answer; else since it last took any of it
    bool operator<(const Merit& other) const {
      return in_use != other.in_use ? other.in_use : since < other.since;
    }
  };
  // A head that comes slowly makes no use of it.
  Merit merit();

  bool waits_for_numbers() const { return waiting_; }
  base::Slot<SharedTotals>& numbers() { return numbers_; }

 private:
  using Arrival = http1::ServerConnection::Arrival;

  void on_client_gone(base::Cause why) override { scope_.cancel(why); }
  void on_client_ended() override {}  // it waits for its answer
  void on_task_ended(Served) override { owner_.on_connection_over(*this); }

  base::Task<Served> serve();
  base::Task<base::Result<http::LocalResponse>> choose_answer(Arrival arrival);
  base::Task<base::Result<SharedTotals>> collect();
  void answer(http::LocalResponse response);

  base::Turn& turn_;
  const Options& options_;
  Owner& owner_;
  http::ClientFacts facts_;
  base::Scope scope_;
  base::Slot<SharedTotals> numbers_;
  bool waiting_ = false;
  bool answering_ = false;
  base::Instant since_;             // of merit()
  net::Transport::Transit seen_{};  // at its last look
  http1::ServerConnection connection_;
  base::RootTask<Served> task_;  // last: its waits lie in the members above
};

}  // namespace postern::admin
