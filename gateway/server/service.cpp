#include "server/service.h"

#include "server/http1_service.h"

namespace postern::server {

const Protocols usual_protocols;

std::unique_ptr<Service> Protocols::serve(const ServiceContext& context,
                                          std::unique_ptr<net::Transport> transport) const {
  return std::make_unique<Http1Service>(context, std::move(transport));
}

}  // namespace postern::server
