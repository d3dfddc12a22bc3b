#include "net/certificate_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace postern::net {
namespace {

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Time = std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)>;

constexpr int64_t day = 24 * 3600;

Bio open_file(const std::string& file) { return {BIO_new_file(file.c_str(), "r"), BIO_free}; }

// OpenSSL would ask for a passphrase on the terminal, but nobody is there to type it.
int no_passphrase(char*, int, int, void*) { return -1; }

// Whether reading has stopped because there is nothing more of the kind, and not because of an error.
bool is_at_end() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

// Reads every object of one kind; the result is an error where one of them cannot be read.
template <class Handle, class Read>
tl::expected<std::vector<Handle>, std::string> read_all(const std::string& file, Read read,
                                                        const char* kind) {
  if (auto trouble = trouble_opening(file)) return tl::unexpected(std::move(*trouble));
  const Bio bio = open_file(file);
  std::vector<Handle> all;
  ERR_clear_error();
  while (bio) {
    Handle one(read(bio.get(), nullptr, nullptr, nullptr));
    if (!one) break;
    all.push_back(std::move(one));
  }
  const bool is_whole = is_at_end();
  ERR_clear_error();
  if (!is_whole)
    return tl::unexpected("the " + std::string(kind) + " number " + std::to_string(all.size() + 1) + " of " +
                          file + " cannot be read");
  return all;
}

tl::expected<std::vector<RevocationList>, std::string> read_der_list(const std::string& file) {
  const Bio bio = open_file(file);
  RevocationList list(bio ? d2i_X509_CRL_bio(bio.get(), nullptr) : nullptr);
  ERR_clear_error();
  if (!list) return tl::unexpected(file + " holds no revocation list (CRL), neither in PEM nor in DER");
  std::vector<RevocationList> lists;
  lists.push_back(std::move(list));
  return lists;
}

std::string days_text(int64_t seconds) {
  const int64_t days = seconds / day;
  if (days == 0) return "less than a day";
  return std::to_string(days) + (days == 1 ? " day" : " days");
}

// Warns of a certificate that has expired, will soon, or is not valid yet. `who` names it and its file.
void warn_of_dates(const X509* certificate, const std::string& who, std::string_view if_expired,
                   int64_t now_unix, std::vector<std::string>& warnings) {
  constexpr int64_t warned_before = 14 * day;
  const std::optional<int64_t> end = unix_time(X509_get0_notAfter(certificate));
  if (end && *end < now_unix)
    warnings.push_back(who + " has expired; " + std::string(if_expired));
  else if (end && *end - now_unix < warned_before)
    warnings.push_back(who + " expires in " + days_text(*end - now_unix));
  const std::optional<int64_t> begin = unix_time(X509_get0_notBefore(certificate));
  if (begin && *begin > now_unix) warnings.push_back(who + " is not valid yet");
}

template <class Handle, class Read>
std::optional<int64_t> first_end(const tl::expected<std::vector<Handle>, std::string>& all, Read read) {
  std::optional<int64_t> first;
  if (!all) return first;
  for (const Handle& one : *all) {
    const ASN1_TIME* time = read(one.get());
    const std::optional<int64_t> end = time ? unix_time(time) : std::nullopt;
    if (end) first = std::min(first.value_or(*end), *end);
  }
  return first;
}

}  // namespace

Certificate read_leaf(const std::string& file) {
  const Bio bio = open_file(file);
  return Certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

PrivateKey read_key(const std::string& file) {
  const Bio bio = open_file(file);
  return PrivateKey(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr) : nullptr);
}

tl::expected<std::vector<Certificate>, std::string> read_authorities(const std::string& file) {
  auto all = read_all<Certificate>(file, &PEM_read_bio_X509, "certificate");
  if (all && all->empty()) return tl::unexpected(file + " holds no PEM certificate");
  if (all && all->size() > authorities_max)
    return tl::unexpected(file + " holds more than " + std::to_string(authorities_max) + " certificates");
  return all;
}

tl::expected<std::vector<RevocationList>, std::string> read_revocation_lists(const std::string& file) {
  if (auto trouble = trouble_opening(file)) return tl::unexpected(std::move(*trouble));
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(file, error);
  if (!error && bytes > revocation_file_max)
    return tl::unexpected(file + " is larger than " + std::to_string(revocation_file_max >> 20) + " MiB");
  auto all = read_all<RevocationList>(file, &PEM_read_bio_X509_CRL, "revocation list");
  return all && all->empty() ? read_der_list(file) : std::move(all);
}

std::optional<std::string> trouble_opening(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return file + " is a directory";
  if (!std::filesystem::exists(file, error)) return file + " does not exist";
  if (!std::ifstream(file)) return file + " cannot be opened; may this user read it?";
  return std::nullopt;
}

std::string name_text(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::optional<int64_t> unix_time(const ASN1_TIME* time) {
  const Time epoch(ASN1_TIME_set(nullptr, 0), ASN1_TIME_free);
  int days = 0;
  int seconds = 0;
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return std::nullopt;
  return days * day + seconds;
}

std::optional<int64_t> certificates_expire_at(const std::string& file) {
  return first_end(read_authorities(file), &X509_get0_notAfter);
}

std::optional<int64_t> revocation_lists_expire_at(const std::string& file) {
  return first_end(read_revocation_lists(file), &X509_CRL_get0_nextUpdate);
}

CertificateFindings examine_certificate(const KeyPairFiles& files, int64_t now_unix,
                                        std::string_view refusing) {
  CertificateFindings findings;
  const Certificate leaf = read_leaf(files.certificate);
  const PrivateKey key = read_key(files.key);
  if (!leaf && !key && read_key(files.certificate) && read_leaf(files.key)) {
    findings.problems.push_back(files.certificate + " holds a private key and " + files.key +
                                " a certificate: they seem to be swapped");
    ERR_clear_error();
    return findings;
  }
  if (!leaf) {
    ERR_clear_error();
    findings.problems.push_back(
        trouble_opening(files.certificate).value_or(files.certificate + " holds no PEM certificate"));
  }
  if (!key) {
    ERR_clear_error();
    findings.problems.push_back(
        trouble_opening(files.key).value_or(files.key + " holds no PEM private key without a passphrase"));
  }
  if (!leaf || !key) return findings;
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    ERR_clear_error();
    findings.problems.push_back("the private key " + files.key + " does not belong to " + files.certificate);
    return findings;
  }
  warn_of_dates(leaf.get(), "the certificate " + files.certificate, refusing, now_unix, findings.warnings);
  return findings;
}

CertificateFindings examine_authorities(const std::string& file, int64_t now_unix) {
  CertificateFindings findings;
  const auto all = read_authorities(file);
  if (!all) findings.problems.push_back(all.error());
  if (!all) return findings;
  for (const Certificate& one : *all)
    warn_of_dates(one.get(), "the authority " + name_text(X509_get_subject_name(one.get())) + " in " + file,
                  "no certificate of it is taken", now_unix, findings.warnings);
  return findings;
}

CertificateFindings examine_revocation_lists(const std::string& file, int64_t now_unix,
                                             std::string_view if_expired) {
  constexpr int64_t warned_part = 10;  // of its time
  CertificateFindings findings;
  const auto all = read_revocation_lists(file);
  if (!all) findings.problems.push_back(all.error());
  if (!all) return findings;
  for (const RevocationList& one : *all) {
    const std::string who =
        "the revocation list of " + name_text(X509_CRL_get_issuer(one.get())) + " in " + file;
    const std::optional<int64_t> begin = unix_time(X509_CRL_get0_lastUpdate(one.get()));
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(one.get());
    const std::optional<int64_t> end = next ? unix_time(next) : std::nullopt;
    if (end && *end < now_unix)
      findings.warnings.push_back(who + " has expired; " + std::string(if_expired));
    else if (end && begin && (*end - now_unix) * warned_part < *end - *begin)
      findings.warnings.push_back(who + " expires in " + days_text(*end - now_unix));
    if (begin && *begin > now_unix) findings.warnings.push_back(who + " is not valid yet");
  }
  return findings;
}

}  // namespace postern::net
