// The listeners and the clients of one worker. Adopting a snapshot opens and closes listeners by difference;
// connections that are there stay.
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

// One of a snapshot's listeners, bound. `key` tells it from others across reloads.
struct BoundListener {
  std::string key;
  base::SocketAddress address;
  size_t model = 0;                            // index into the snapshot's listeners
  std::optional<net::ListeningSocket> socket;  // this worker's, when it is new; else it has one already
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

  // `bound` stands in the order of the snapshot's listeners, of which one may have several addresses;
  // current.pin is the new snapshot already.
  void adopt(std::vector<BoundListener> bound);

  void stop_accepting();
  void drain();                  // every connection ends after its exchange
  void cancel(base::Cause why);  // every exchange ends now
  size_t connections() const { return connections_.size(); }
  size_t exchanges() const;  // that are under way on them

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
  net::CountGuard next_permit_;   // set aside for the client that is being accepted
  bool next_is_refused_ = false;  // it is a permit among those that are told that there is no room
};

}  // namespace postern::server
