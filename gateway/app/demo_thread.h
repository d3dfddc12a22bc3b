// Runs the application behind "demo:" endpoints on its own thread and loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include <tl/expected.hpp>

#include "config/document.h"
#include "net/listener.h"
#include "net/mailbox.h"

namespace postern::app {

class DemoThread {
 public:
  // Listens on a loopback port that the system chooses. Tokens are signed with the secret of the document's
  // first jwt section that has one.
  static tl::expected<std::unique_ptr<DemoThread>, std::string> start(const config::Document& document);
  ~DemoThread();  // stops and joins the thread

  uint16_t port() const { return port_; }

 private:
  struct Stop {};
  DemoThread() = default;
  void run(net::ListeningSocket socket, std::string secret);

  uint16_t port_ = 0;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::Mailbox<Stop>> mailbox_;
  std::thread thread_;
};

}  // namespace postern::app
