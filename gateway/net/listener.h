// A listening socket on a loop. The control thread opens the sockets, because it can report a failure, and
// the workers watch them; SO_REUSEPORT distributes connections over the workers.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "net/loop.h"
#include "net/socket.h"

namespace postern::net {

struct ListeningSocket {
  Socket socket;
  base::SocketAddress address;  // with the actual port, also when port 0 was requested
};

// The first socket for an address must find the address unused; further sockets of this process share it.
// (The kernel would let another process share it too, and distribute the clients over both processes without
// any error.)
enum class Sharing : uint8_t { first, further };

// The error is a sentence: "address 127.0.0.1:80 is in use by another process".
tl::expected<ListeningSocket, std::string> listen_on(const base::SocketAddress& address,
                                                     Sharing sharing = Sharing::first);
// Whether a socket of this machine can be bound to the address; false for ::1 on a machine without IPv6.
bool is_own_address(const base::IpAddress& ip);
// Listens on a Unix socket that only the user of this process may connect to. A socket file on which no
// process listens any more is replaced.
tl::expected<ListeningSocket, std::string> listen_on_unix(const std::string& path);
// Returns a second descriptor of the same socket.
Socket duplicate(const Socket& socket);

class Listener final : private Pollable, private base::Timer {
 public:
  class Owner {
   public:
    // Called before each accept. False: the listener stops accepting until release().
    virtual bool may_accept() = 0;
    virtual void on_nobody_waits() = 0;  // no connection waits, so what may_accept() reserved is not needed
    virtual void on_accepted(Listener& listener, Socket socket, const base::SocketAddress& peer) = 0;
    // Accepting pauses because the process or the system has no descriptors left; called once per pause.
    virtual void on_descriptors_exhausted(Listener& listener) = 0;
    virtual void on_accepting_again(Listener& listener) = 0;

   protected:
    ~Owner() = default;
  };

  Listener(Loop& loop, ListeningSocket listening, Owner& owner);
  ~Listener() override;

  const base::SocketAddress& address() const { return listening_.address; }
  // Accepts again after may_accept() returned false; connections have waited in the kernel's queue.
  void release();

 private:
  void on_ready(uint32_t events) override;
  void on_deadline() override;

  Loop& loop_;
  ListeningSocket listening_;
  Owner& owner_;
  bool held_ = false;
  bool exhausted_ = false;
};

}  // namespace postern::net
