// One connection of the admin server. A coroutine serves its requests until the client leaves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "admin/revoke.h"
#include "admin/source.h"
#include "base/root_task.h"
#include "http/local_response.h"
#include "http1/server_connection.h"
#include "telemetry/metrics.h"

namespace postern::admin {

struct Served {};  // all requests of a client were served

using SharedTotals = std::shared_ptr<const telemetry::Totals>;

class AdminConnection final : private http1::ServerConnection::Owner, private base::RootTask<Served>::Owner {
 public:
  class Owner {
   public:
    virtual Health health() const = 0;
    // Asks for the workers' numbers, which are put into numbers() later.
    virtual void on_numbers_wanted() = 0;
    // A request has added revocations, or was refused because the table is full.
    virtual void on_revoked(const RevokeReader& reader) = 0;
    // Called once. The connection must not be freed in this call; it may be buried.
    virtual void on_connection_over(AdminConnection& client) = 0;

   protected:
    ~Owner() = default;
  };

  struct Options {
    // False: only Host values that name this machine; a page in a browser cannot get in by a name that it
    // made resolve to this machine.
    bool any_host = false;
    base::Duration collect_limit = std::chrono::seconds(2);  // for the workers' numbers
    base::Duration write_limit = std::chrono::seconds(10);   // for the client to take an answer
    base::Duration read_limit = std::chrono::seconds(10);    // for more of a client's body to come
    RevokeSettings revoke;
    http::ServerLimits server{.message = {}, .keepalive = std::chrono::seconds(5)};
  };

  // `options` and `owner` outlive the connection; `options` may change between requests. begin() must be
  // called immediately afterwards.
  AdminConnection(base::Turn& turn, const Options& options, std::unique_ptr<net::Transport> transport,
                  Owner& owner);
  void begin();

  // The priority of a connection to be kept when a new one needs room.
  struct Merit {
    bool in_use = false;  // an answer is being made, or the client has not taken all of it
    // Idle: since it was accepted or its last answer was taken; else since the client last took some of its
    // answer.
    base::Instant since{};
    bool operator<(const Merit& other) const {
      return in_use != other.in_use ? other.in_use : since < other.since;
    }
  };
  // A connection whose request head arrives slowly is not in use.
  Merit merit();

  bool waits_for_numbers() const { return waiting_; }
  base::Slot<SharedTotals>& numbers() { return numbers_; }

 private:
  using Arrival = http1::ServerConnection::Arrival;

  void on_client_gone(base::Cause why) override { scope_.cancel(why); }
  void on_client_ended() override {}  // the client waits for its answer
  void on_task_ended(Served) override { owner_.on_connection_over(*this); }

  base::Task<Served> serve();
  base::Task<base::Result<http::LocalResponse>> choose_answer(Arrival arrival);
  base::Task<base::Result<http::LocalResponse>> revoke();
  base::Task<base::Result<SharedTotals>> collect();
  void answer(const http::LocalResponse& response);

  base::Turn& turn_;
  const Options& options_;
  Owner& owner_;
  http::ClientFacts facts_;
  base::Scope scope_;
  base::Slot<SharedTotals> numbers_;
  bool waiting_ = false;
  bool answering_ = false;
  base::Instant since_;             // for merit()
  net::Transport::Transit seen_{};  // at the last merit()
  http1::ServerConnection connection_;
  base::RootTask<Served> task_;  // last: its waits are linked into the members above
};

}  // namespace postern::admin
