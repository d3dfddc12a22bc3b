// The listeners and the client connections of one worker. Adopting a snapshot opens and closes only the
// listeners that differ; existing connections stay open.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/listener.h"
#include "server/client_connection.h"
#include "server/current.h"

namespace postern::server {

// One bound listener of a snapshot. `key` identifies it across reloads.
struct BoundListener {
  std::string key;
  base::SocketAddress address;
  size_t model = 0;                            // index into the snapshot's listeners
  std::optional<net::ListeningSocket> socket;  // nullopt: this worker has it open already
};

class Acceptor final : private net::Listener::Owner, private base::Timer {
 public:
  class Owner {
   public:
    virtual void on_connections_gone() = 0;

   protected:
    ~Owner() = default;
  };

  Acceptor(Current& current, Owner& owner);
  ~Acceptor() override;

  // `bound` is in the order of the snapshot's listeners; one listener may have several addresses. current.pin
  // must already be the new snapshot.
  void adopt(std::vector<BoundListener> bound);

  void stop_accepting();
  void drain();                  // every connection ends after its exchange
  void cancel(base::Cause why);  // every exchange ends now
  size_t connections() const { return connections_.size(); }
  size_t exchanges() const;  // that are in progress on the connections

 private:
  struct Accepted;
  struct OpenListener {
    std::string key;
    std::unique_ptr<net::Listener> listener;
    size_t model = 0;  // index into the snapshot's listeners
    ListenerSettingsRef settings;
  };

  bool may_accept() override;
  void on_nobody_waits() override { next_permit_ = {}; }
  void on_accepted(net::Listener& listener, net::Socket socket, const base::SocketAddress& peer) override;
  void on_descriptors_exhausted(net::Listener& listener) override;
  void on_accepting_again(net::Listener& listener) override;
  void on_deadline() override;
  void remove(Accepted& accepted);

  Current& current_;
  Owner& owner_;
  std::vector<OpenListener> listeners_;
  std::list<std::unique_ptr<Accepted>> connections_;
  net::CountGuard next_permit_;   // reserved for the client that is being accepted
  bool next_is_refused_ = false;  // the permit is one for clients that are refused for lack of room
};

}  // namespace postern::server
