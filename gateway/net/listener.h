// A listening socket on a loop. Sockets are opened by whoever can answer for a failure (the control thread)
// and watched by the workers; SO_REUSEPORT spreads connections over them.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "net/loop.h"
#include "net/socket.h"

namespace postern::net {

struct ListeningSocket {
  Socket socket;
  base::SocketAddress address;  // with the port that was really bound
};

// The first socket for an address must find it unused; the others of this process share it. (The system would
// let another process share it too, and split the clients between the two without a word.)
enum class Sharing : uint8_t { first, further };

// The error is a sentence: "address 127.0.0.1:80 is in use by another process".
tl::expected<ListeningSocket, std::string> listen_on(const base::SocketAddress& address,
                                                     Sharing sharing = Sharing::first);
// Whether a socket of this machine can have the address; false for ::1 where it has no IPv6.
bool is_own_address(const base::IpAddress& ip);
// A Unix socket that only this process's user may connect to. A file that nobody listens on any more gives
// way.
tl::expected<ListeningSocket, std::string> listen_on_unix(const std::string& path);
// A second descriptor of the same socket.
Socket duplicate(const Socket& socket);

class Listener final : private Pollable, private base::Timer {
 public:
  class Owner {
   public:
    // Asked before each accept. No: the listener holds until release().
    virtual bool may_accept() = 0;
    virtual void on_nobody_waits() = 0;  // what may_accept() set aside is not needed now
    virtual void on_accepted(Listener& listener, Socket socket, const base::SocketAddress& peer) = 0;
    // Accepting pauses because the process or the system has no descriptor left; told once per pause.
    virtual void on_descriptors_exhausted(Listener& listener) = 0;
    virtual void on_accepting_again(Listener& listener) = 0;

   protected:
    ~Owner() = default;
  };

  Listener(Loop& loop, ListeningSocket listening, Owner& owner);
  ~Listener() override;

  const base::SocketAddress& address() const { return listening_.address; }
  // Ends a hold; connections have waited in the kernel's queue.
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
