#include "config/examine_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "config/compile_policy.h"
#include "net/certificate_files.h"

namespace postern::config {
namespace {

namespace fs = std::filesystem;

bool can_be_read(const std::string& path) {
  std::error_code error;
  return !fs::is_directory(path, error) && std::ifstream(path).good();
}

void examine_named_file(const Document& document, const std::string& name, SourceLocation location,
                        std::string key, Diagnostics& findings) {
  if (name.empty() || can_be_read(resolve_file(document, name))) return;
  findings.error(location, std::move(key), why_unreadable(document, name));
}

// Examines certificates, and reports what is found at their keys.
struct Reporter {
  const Document& document;
  int64_t now_unix;
  Diagnostics& problems;
  Diagnostics& notes;

  // Returns false when the file cannot be used.
  bool report(const net::CertificateFindings& findings, const std::string& name, SourceLocation location,
              const std::string& key) const {
    for (const std::string& problem : findings.problems)
      problems.error(location, key,
                     problem + (problem.ends_with("does not exist") ? relative_hint(name) : std::string()));
    for (const std::string& warning : findings.warnings) notes.warn(location, key, warning);
    return findings.problems.empty();
  }

  bool key_pair(const CertificateFiles& files, const std::string& key, std::string_view refusing) const {
    if (files.certificate.empty() || files.key.empty()) return false;  // reported by decoding
    const net::KeyPairFiles paths{resolve_file(document, files.certificate),
                                  resolve_file(document, files.key)};
    net::CertificateFindings found = net::examine_certificate(paths, now_unix, refusing);
    // A problem begins with the name of its file, or with "the private key" and the file.
    const auto is_of_certificate = [&](const std::string& problem) {
      return paths.key == paths.certificate ||
             !(problem.starts_with(paths.key + ' ') || problem.starts_with("the private key "));
    };
    const auto of_key =
        std::stable_partition(found.problems.begin(), found.problems.end(), is_of_certificate);
    const net::CertificateFindings about_key{{of_key, found.problems.end()}, {}};
    found.problems.erase(of_key, found.problems.end());
    const bool is_good = report(found, files.certificate, files.location, key + ".certificate");
    return report(about_key, files.key, files.key_location, key + ".key") && is_good;
  }

  bool clients(const ClientCertificatesDocument& clients, const std::string& key) const {
    if (clients.ca_file.empty()) return false;  // reported by decoding
    bool is_good = report(net::examine_authorities(resolve_file(document, clients.ca_file), now_unix),
                          clients.ca_file, clients.ca_location, key + ".ca");
    if (clients.crl_file.empty()) return is_good;
    const std::string_view if_expired =
        clients.takes_expired_lists ? "it is used on, without what was revoked since"
                                    : "no client of that authority gets in until there is a newer one";
    return report(
               net::examine_revocation_lists(resolve_file(document, clients.crl_file), now_unix, if_expired),
               clients.crl_file, clients.crl_location, key + ".crl") &&
           is_good;
  }
};

}  // namespace

std::string relative_hint(const std::string& name) {
  return fs::path(name).is_absolute() ? "" : " (paths are relative to the folder of this configuration)";
}

std::string why_unreadable(const Document& document, const std::string& name) {
  const std::string path = resolve_file(document, name);
  std::error_code error;
  if (fs::is_directory(path, error)) return path + " is a directory, not a file";
  if (!fs::exists(path, error)) return path + " does not exist" + relative_hint(name);
  return path + " cannot be opened; may this user read it?";
}

bool examine_certificates(const Document& document, size_t listener, int64_t now_unix, Diagnostics& problems,
                          Diagnostics& notes) {
  const std::optional<TlsDocument>& tls = document.listeners[listener].tls;
  if (!tls) return true;
  const std::string tls_key = "listeners[" + std::to_string(listener) + "].tls";
  const Reporter reporter{document, now_unix, problems, notes};
  bool is_usable = true;
  for (size_t i = 0; i < tls->certificates.size(); ++i) {
    const std::string key = tls_key + (tls->is_list ? ".certificates[" + std::to_string(i) + "]" : "");
    is_usable = reporter.key_pair(tls->certificates[i], key, "browsers refuse it") && is_usable;
  }
  return (!tls->clients || reporter.clients(*tls->clients, tls_key + ".client_certificates")) && is_usable;
}

bool examine_client_certificate(const Document& document, const UpstreamDocument& upstream, int64_t now_unix,
                                Diagnostics& problems, Diagnostics& notes) {
  return !upstream.certificate ||
         Reporter{document, now_unix, problems, notes}.key_pair(
             *upstream.certificate, "upstreams." + upstream.name + ".tls", "endpoints refuse it");
}

void examine_log(const Document& document, Diagnostics& problems) {
  const std::string& output = document.log.output;
  if (output == "stdout") return;
  const auto complain = [&](std::string sentence) {
    problems.error(document.log.output_location, "log.output", std::move(sentence));
  };
  const fs::path file = resolve_file(document, output);
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code error;
  if (fs::is_directory(file, error)) return complain(file.string() + " is a directory, not a file");
  if (!fs::is_directory(folder, error))
    return complain("the folder " + folder.string() +
                    " does not exist; make it, or the log cannot be written" + relative_hint(output));
  const bool exists = fs::exists(file, error);
  if (::access(exists ? file.c_str() : folder.c_str(), W_OK) != 0)
    complain((exists ? file.string() : "the folder " + folder.string()) +
             " cannot be written to by this user: " + std::strerror(errno));
}

void examine_files(const Document& document, int64_t now_unix, Diagnostics& findings) {
  for (size_t i = 0; i < document.listeners.size(); ++i)
    examine_certificates(document, i, now_unix, findings, findings);
  for (const BasicAuthDocument& list : document.basic_auth)
    examine_named_file(document, list.file, list.file_location, "basic_auth." + list.name + ".file",
                       findings);
  for (const JwtDocument& jwt : document.jwt) {
    examine_named_file(document, jwt.keys_file, jwt.keys_location, "jwt." + jwt.name + ".keys", findings);
    examine_named_file(document, jwt.fetch_ca, jwt.fetch_ca_location, "jwt." + jwt.name + ".fetch.ca",
                       findings);
  }
  for (const UpstreamDocument& upstream : document.upstreams) {
    examine_named_file(document, upstream.ca, upstream.ca_location, "upstreams." + upstream.name + ".ca",
                       findings);
    examine_client_certificate(document, upstream, now_unix, findings, findings);
  }
  examine_log(document, findings);
}

}  // namespace postern::config
