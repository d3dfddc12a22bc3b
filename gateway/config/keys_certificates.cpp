#include "config/keys_certificates.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"

namespace postern::config {
namespace {

using policy::CertificateValue;

constexpr std::string_view header_pattern = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

Parsed<std::string> parse_server_name(std::string_view text) {
  auto host = parse_route_host(text);
  if (!host) return host;
  if (host->starts_with('[') || base::IpAddress::parse(*host))
    return complain("is an address, and clients send names only (SNI)");
  if (host->empty() || *host == "*") return complain("is every name; leave names out for that");
  return host;
}

// A subject as it is printed, or one attribute of it: its type in upper case, "=", and the value.
Parsed<std::string> parse_subject(std::string_view text) {
  const size_t equals = text.find('=');
  const bool has_type =
      equals != text.npos && equals > 0 &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
      });
  if (!has_type || equals + 1 == text.size())
    return complain(
        "is no subject: write CN=alice, or the whole one, as openssl x509 -subject -nameopt RFC2253 "
        "prints it");
  if (text.find("/CN=") != text.npos || text.find(", ") != text.npos)
    return complain("is not in the form of RFC 2253: write CN=alice,O=Example, without spaces behind commas");
  return std::string(text);
}

Parsed<std::string> parse_alternative_name(std::string_view text) {
  constexpr std::string_view dns = "DNS:";
  const bool is_known = text.starts_with(dns) || text.starts_with("URI:") || text.starts_with("email:") ||
                        text.starts_with("IP:");
  if (!is_known || text.back() == ':')
    return complain("is no name of a certificate: write DNS:NAME, URI:…, email:… or IP:ADDRESS");
  const std::string_view name = text.substr(text.find(':') + 1);
  if (text.starts_with("IP:")) {
    const auto address = base::IpAddress::parse(name);
    if (!address) return complain("has no IP address behind IP:");
    return "IP:" + address->text();
  }
  const size_t star = text.find('*');
  const bool may_stand =
      text.starts_with(dns)
          ? star == dns.size() && text.find('*', star + 1) == text.npos && text.substr(star).starts_with("*.")
          : text.starts_with("URI:") && star + 1 == text.size();
  if (star != text.npos && !may_stand)
    return complain("has a \"*\" that is neither the first label of a DNS name nor the end of a URI");
  return text.starts_with(dns) ? "DNS:" + base::to_lower(name) : std::string(text);
}

auto header() { return text("header name", parse_settable_header, header_pattern); }

template <CertificateValue value>
std::string& field(CertificateFields& fields) {
  return fields[value];
}

const Keys<CertificateFields>& forward_keys() {
  static const auto keys =
      Keys<CertificateFields>("client_certificate_fields")
          .key("subject", field<CertificateValue::subject>, header(),
               "The subject, in the form of RFC 2253: CN=alice,O=Example.")
          .example("X-Client-Cert-Subject")
          .key("san", field<CertificateValue::alternative_names>, header(),
               "The alternative names, separated by commas: DNS:a.example.com, URI:spiffe://example.org/a. A "
               "comma in a name is sent as %2C.")
          .example("X-Client-Cert-SAN")
          .key("issuer", field<CertificateValue::issuer>, header(),
               "The subject of the authority that signed it.")
          .example("X-Client-Cert-Issuer")
          .commented_out()
          .key("serial", field<CertificateValue::serial>, header(),
               "The serial number, in hexadecimal digits.")
          .example("X-Client-Cert-Serial")
          .commented_out()
          .key("fingerprint", field<CertificateValue::fingerprint>, header(),
               "The SHA-256 of the certificate, in hexadecimal digits.")
          .example("X-Client-Cert-Fingerprint")
          .key("verified", field<CertificateValue::verified>, header(),
               "SUCCESS with a certificate, NONE without one.")
          .example("X-Client-Cert-Verified")
          .key("certificate", field<CertificateValue::certificate>, header(),
               "The whole certificate, in the form of RFC 9440; there the field is called Client-Cert.")
          .example("Client-Cert")
          .commented_out()
          .not_empty("is empty; name what is to be sent, or write true");
  return keys;
}

void read_usual_fields(const Value& value, CertificateFields& fields) {
  const auto on = value.boolean();
  if (!on || !*on) return;
  fields[CertificateValue::subject] = "X-Client-Cert-Subject";
  fields[CertificateValue::alternative_names] = "X-Client-Cert-SAN";
  fields[CertificateValue::fingerprint] = "X-Client-Cert-Fingerprint";
  fields[CertificateValue::verified] = "X-Client-Cert-Verified";
}

}  // namespace

const Keys<ClientCertificatesDocument>& client_certificates_keys() {
  static const auto keys =
      Keys<ClientCertificatesDocument>("client_certificates")
          .begin([](const Value& value, ClientCertificatesDocument& clients) {
            clients.location = clients.ca_location = clients.crl_location = value.location();
          })
          .key("mode", &ClientCertificatesDocument::required,
               words<bool>({{"required", true}, {"wanted", false}}),
               "Whether a client must show a certificate. With wanted it may, and routes see whether it did "
               "(client_certificate). One that is not in order is refused in the handshake in both cases.")
          .by_default("\"required\"")
          .key("ca", &ClientCertificatesDocument::ca_file, text("file"),
               "The PEM file with the authorities whose certificates are taken. Each certificate in it is "
               "trusted, "
               "whether it is a root or not.")
          .required()
          .example("clients-ca.pem")
          .located(&ClientCertificatesDocument::ca_location)
          .key("crl", &ClientCertificatesDocument::crl_file, text("file"),
               "The file with the revocation lists (CRL), in PEM, or one in DER. With it, every authority "
               "between "
               "the client and one of ca needs its list. It is read again at every reload.")
          .example("clients.crl")
          .commented_out()
          .located(&ClientCertificatesDocument::crl_location)
          .key("expired_crl", &ClientCertificatesDocument::takes_expired_lists,
               words<bool>({{"refuse", false}, {"accept", true}}),
               "What becomes of clients when a list in crl has expired. With refuse, no client of its "
               "authority "
               "gets in until there is a newer one; with accept, the old list is used on.")
          .commented_out()
          .key("depth", &ClientCertificatesDocument::depth, number(0, 10),
               "How many certificates may stand between the client's and one of ca.")
          .key("names", &ClientCertificatesDocument::names,
               list_or_one("list of host names", text("host name", parse_server_name),
                           "is empty; leave names out to ask for every name"),
               "The hosts for which clients are asked, by the name that they send (SNI): app.example.com, or "
               "\"*.example.com\" for all subdomains. A request for one of them on a connection that was "
               "opened "
               "for another name is answered with 421.")
          .by_default("all")
          .example("[internal.example.com]")
          .commented_out()
          .needs("expired_crl", "crl", "has no effect without crl");
  return keys;
}

const Keys<ClientCertificateUse>& client_certificate_keys() {
  static const auto keys =
      Keys<ClientCertificateUse>("client_certificate")
          .begin([](const Value& value, ClientCertificateUse& use) {
            use.location = use.forward_location = value.location();
          })
          .key("mode", &ClientCertificateUse::required, words<bool>({{"required", true}, {"wanted", false}}),
               "Whether a request without a certificate is answered with 403. With wanted it passes.")
          .by_default("\"required\"")
          .key("subjects", &ClientCertificateUse::subjects,
               list_or_one("list of subjects", text("subject", parse_subject), "is empty; leave it out"),
               "The subjects of the certificates that are taken, in the form of RFC 2253: the whole one "
               "(\"CN=alice,O=Example\"), or one attribute of it (CN=alice). Others are answered with 403, "
               "unless "
               "sans lists them.")
          .by_default("all")
          .example("[CN=deploy]")
          .key("sans", &ClientCertificateUse::alternative_names,
               list_or_one("list of names", text("name", parse_alternative_name), "is empty; leave it out"),
               "The alternative names (SAN) of the certificates that are taken: DNS:a.example.com, "
               "\"DNS:*.example.com\" for one label in place of the star, \"URI:spiffe://example.org/ns/*\" "
               "for "
               "all that begins so, email:a@example.com, IP:192.0.2.1.")
          .by_default("all")
          .example("[\"URI:spiffe://example.org/ns/build/*\"]")
          .key("forward", &ClientCertificateUse::forward,
               value_or_map(read_usual_fields, forward_keys, "true, false or map",
                            words_schema({"true", "false"}), "false"),
               "The header fields in which the endpoint gets what stands in the certificate. A client can "
               "never "
               "send such a field itself. true is short for subject, san, fingerprint and verified, each in "
               "the "
               "field that the example names.")
          .located(&ClientCertificateUse::forward_location);
  return keys;
}

const Keys<CertificateFiles>& upstream_certificate_keys() {
  static const auto keys = Keys<CertificateFiles>("upstream_tls")
                               .begin([](const Value& value, CertificateFiles& files) {
                                 files.location = files.key_location = value.location();
                               })
                               .key("certificate", &CertificateFiles::certificate, text("file"),
                                    "The PEM file with the certificate that is shown to https endpoints "
                                    "which ask for one, and those of "
                                    "the authorities above it.")
                               .required()
                               .example("gateway.pem")
                               .located(&CertificateFiles::location)
                               .key("key", &CertificateFiles::key, text("file"),
                                    "The PEM file with the private key of the certificate.")
                               .required()
                               .example("gateway.key")
                               .located(&CertificateFiles::key_location);
  return keys;
}

}  // namespace postern::config
