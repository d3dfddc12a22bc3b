// How the control thread reaches servers by itself, for health checks and for keys.
#pragma once

#include "net/dialer.h"
#include "net/dns_client.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace postern::app {

class ControlDialer {
 public:
  // `loop` outlives it.
  explicit ControlDialer(net::Loop& loop)
      : dns_client_(loop), resolver_(loop.turn(), dns_client_), dialer_(loop, resolver_) {}

  // Uses these name servers from now on.
  void configure(const net::DnsOptions& options) {
    if (dns_client_.configure(options)) resolver_.forget();
  }
  net::Dialer& dialer() { return dialer_; }

 private:
  net::DnsClient dns_client_;
  net::Resolver resolver_;
  net::SystemDialer dialer_;
};

}  // namespace postern::app
