#include "server/listener_settings.h"

namespace postern::server {

void refresh(http::ClientFacts& facts, const ListenerSettings& settings) {
  facts.redirect_port = settings.redirect_port;
  facts.redirect_except = settings.redirect_except;
  http::CertificateFacts& shown = facts.certificate;
  if (shown.verifier == settings.certificates) return;
  shown.verifier = settings.certificates;
  shown.is_outdated = shown.certificate && shown.verifier && !shown.verifier->still_takes(*shown.certificate);
}

}  // namespace postern::server
