// The keys about certificates of clients: those that a listener asks for, that a route requires, and that an
// upstream shows to its endpoints.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<ClientCertificatesDocument>& client_certificates_keys();  // listeners[].tls.client_certificates
const Keys<ClientCertificateUse>& client_certificate_keys();         // routes[].client_certificate
const Keys<CertificateFiles>& upstream_certificate_keys();           // upstreams.*.tls

}  // namespace postern::config
