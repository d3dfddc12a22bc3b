#include "config/examine_files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "config/compile_policy.h"
#include "net/tls_context.h"

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
  bool usable = true;
  for (size_t i = 0; i < tls->certificates.size(); ++i) {
    const CertificateFiles& files = tls->certificates[i];
    if (files.certificate.empty() || files.key.empty()) return false;  // reported by decoding
    const std::string key = "listeners[" + std::to_string(listener) + "].tls" +
                            (tls->is_list ? ".certificates[" + std::to_string(i) + "]" : "");
    const net::ServerTlsOptions::Files paths{resolve_file(document, files.certificate),
                                             resolve_file(document, files.key)};
    const net::CertificateFindings findings = net::examine_certificate(paths, now_unix);
    for (const std::string& problem : findings.problems) {
      // A problem begins with the name of its file, or with "the private key" and the file.
      const bool is_of_key = paths.key != paths.certificate && (problem.starts_with(paths.key + ' ') ||
                                                                problem.starts_with("the private key "));
      const bool is_missing = problem.ends_with("does not exist");
      const std::string hint = is_missing ? relative_hint(is_of_key ? files.key : files.certificate) : "";
      problems.error(is_of_key ? files.key_location : files.location,
                     key + (is_of_key ? ".key" : ".certificate"), problem + hint);
    }
    for (const std::string& warning : findings.warnings)
      notes.warn(files.location, key + ".certificate", warning);
    usable = usable && findings.problems.empty();
  }
  return usable;
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
  for (const UpstreamDocument& upstream : document.upstreams)
    examine_named_file(document, upstream.ca, upstream.ca_location, "upstreams." + upstream.name + ".ca",
                       findings);
  examine_log(document, findings);
}

}  // namespace postern::config
