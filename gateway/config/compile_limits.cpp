#include "config/compile_limits.h"

namespace postern::config {
namespace {

template <class Limit, class Said>
void override(Limit& limit, const std::optional<Said>& said) {
  if (said) limit = static_cast<Limit>(*said);
}

}  // namespace

proxy::ListenerLimits listener_limits(std::initializer_list<const ListenerLimitsDocument*> documents) {
  proxy::ListenerLimits limits;
  for (const ListenerLimitsDocument* document : documents) {
    override(limits.server.message.head_size, document->head_size);
    override(limits.server.message.target_size, document->target_size);
    override(limits.server.message.fields, document->header_fields);
    override(limits.server.requests, document->requests_per_connection);
    override(limits.server.request_head, document->request_head_timeout);
    override(limits.server.keepalive, document->keepalive_timeout);
    override(limits.tls_handshake, document->tls_handshake_timeout);
    override(limits.connections_per_client, document->connections_per_client);
    limits.transfer = document->transfer.over(limits.transfer);
  }
  limits.server.idle = limits.transfer.idle;
  return limits;
}

}  // namespace postern::config
