#include "policy/client_certificate.h"

#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "policy/cors.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using base::Cause;
using net::ClientCertificate;

bool fits(std::string_view entry, std::string_view name) {
  constexpr std::string_view any_label = "DNS:*.";
  constexpr std::string_view uri = "URI:";
  if (entry == name) return true;
  if (entry.starts_with(any_label)) {
    entry.remove_prefix(any_label.size() - 1);
    const size_t dot = name.find('.');
    constexpr std::string_view kind = "DNS:";
    return name.starts_with(kind) && dot != name.npos && dot > kind.size() && name.substr(dot) == entry;
  }
  if (!entry.starts_with(uri) || !entry.ends_with('*')) return false;
  entry.remove_suffix(1);
  return name.starts_with(entry);
}

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace

std::string certificate_text(CertificateValue value, const ClientCertificate& certificate) {
  switch (value) {
    case CertificateValue::subject: return certificate.subject;
    case CertificateValue::issuer: return certificate.issuer;
    case CertificateValue::alternative_names: return joined(certificate.alternative_names);
    case CertificateValue::serial: return certificate.serial;
    case CertificateValue::fingerprint: return certificate.fingerprint;
    case CertificateValue::verified: return "SUCCESS";
    case CertificateValue::certificate: break;
  }
  // A byte sequence among structured fields (RFC 8941 3.3.5).
  return std::string(":").append(crypto::encode_base64(certificate.der)).append(":");
}

bool is_listed(const ClientCertificate& certificate, const std::vector<std::string>& subjects,
               const std::vector<std::string>& names) {
  const auto is_subject = [&](const std::string& entry) {
    const std::vector<std::string>& attributes = certificate.attributes;
    return entry == certificate.subject ||
           std::find(attributes.begin(), attributes.end(), entry) != attributes.end();
  };
  const auto is_name = [&](const std::string& entry) {
    return std::any_of(certificate.alternative_names.begin(), certificate.alternative_names.end(),
                       [&](const std::string& name) { return fits(entry, name); });
  };
  return std::any_of(subjects.begin(), subjects.end(), is_subject) ||
         std::any_of(names.begin(), names.end(), is_name);
}

Verdict ClientCertificatePolicy::judge(RequestContext& context) const {
  if (!context.origin_checked && is_bare_preflight(context.request)) return Verdict::pass();
  const ClientCertificate* certificate = context.certificate;
  const std::string route = " (route \"" + options_.route + "\")";
  if (!certificate && options_.required)
    return Verdict::answer(
        http::refusal(Cause::client_certificate_missing, "the connection has no client certificate" + route));
  const bool takes_all = options_.subjects.empty() && options_.names.empty();
  if (certificate && !takes_all && !is_listed(*certificate, options_.subjects, options_.names))
    return Verdict::answer(http::refusal(Cause::client_certificate_refused,
                                         "the certificate of " + certificate->subject +
                                             " is none of those that client_certificate lists" + route));
  forward(context);
  return Verdict::pass();
}

void ClientCertificatePolicy::forward(RequestContext& context) const {
  for (const CertificateField& field : options_.forward) {
    if (context.certificate)
      context.forwarded_fields.emplace_back(field.header,
                                            certificate_text(field.value, *context.certificate));
    else if (field.value == CertificateValue::verified)
      context.forwarded_fields.emplace_back(field.header, "NONE");
  }
}

}  // namespace postern::policy
