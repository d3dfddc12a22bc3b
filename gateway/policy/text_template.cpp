#include "policy/text_template.h"

#include <algorithm>
#include <array>

#include "policy/braced_text.h"
#include "policy/client_certificate.h"
#include "policy/jwt_policy.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

constexpr auto names = std::to_array<std::string_view>(
    {"client", "host", "path", "query", "uri", "method", "scheme", "request_id", "route", "upstream",
     "endpoint", "client_certificate.subject", "client_certificate.san", "client_certificate.issuer",
     "client_certificate.serial", "client_certificate.fingerprint", "claim."});

tl::unexpected<TemplateProblem> problem(std::string sentence, std::string_view unknown = {}) {
  return tl::unexpected<TemplateProblem>(TemplateProblem{std::move(sentence), std::string(unknown)});
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

tl::expected<TextTemplate::Part, TemplateProblem> read_placeholder(std::string_view name) {
  constexpr std::string_view claim = "claim.";
  if (name.starts_with(claim)) {
    if (name.size() == claim.size()) return problem("has {claim.} without the claim's name");
    return TextTemplate::Part{std::string(name.substr(claim.size())), Placeholder::claim};
  }
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return problem("has an unknown placeholder", name);
  return TextTemplate::Part{{}, static_cast<Placeholder>(found - names.begin())};
}

// Returns the host of an authority without the port.
std::string_view host_of(std::string_view authority) {
  const size_t bracket = authority.rfind(']');
  return authority.substr(0, authority.find(':', bracket == authority.npos ? 0 : bracket));
}

std::string of_certificate(CertificateValue value, const RequestContext& context) {
  return context.certificate ? certificate_text(value, *context.certificate) : std::string();
}

std::string value_of(const TextTemplate::Part& part, const RequestContext& context) {
  const std::string_view path = context.target.path == "*" ? "/" : context.target.path;
  switch (*part.placeholder) {
    case Placeholder::client: return context.client.text();
    case Placeholder::host: return std::string(host_of(context.authority));
    case Placeholder::path: return std::string(path);
    case Placeholder::query: return std::string(context.target.query);
    case Placeholder::uri:
      return context.target.has_query ? std::string(path).append("?").append(context.target.query)
                                      : std::string(path);
    case Placeholder::method: return std::string(context.request.method_text);
    case Placeholder::scheme: return context.tls ? "https" : "http";
    case Placeholder::request_id: return std::string(context.request_id);
    case Placeholder::route: return std::string(context.route);
    case Placeholder::upstream: return std::string(context.upstream);
    case Placeholder::endpoint: return std::string(context.endpoint);
    case Placeholder::certificate_subject: return of_certificate(CertificateValue::subject, context);
    case Placeholder::certificate_names: return of_certificate(CertificateValue::alternative_names, context);
    case Placeholder::certificate_issuer: return of_certificate(CertificateValue::issuer, context);
    case Placeholder::certificate_serial: return of_certificate(CertificateValue::serial, context);
    case Placeholder::certificate_fingerprint: return of_certificate(CertificateValue::fingerprint, context);
    case Placeholder::claim:
      return context.token ? claim_field_value(context.token->claim(part.text).value_or(std::string()))
                           : std::string();
  }
  return {};
}

}  // namespace

std::span<const std::string_view> placeholder_names() { return names; }

tl::expected<TextTemplate, TemplateProblem> TextTemplate::read(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control))
    return problem("has a control character, which no field may hold");
  auto split = split_braces(text);
  if (!split) return problem(std::move(split.error()));
  TextTemplate made;
  for (BracedPart& piece : *split) {
    if (piece.is_literal) {
      made.parts_.push_back({std::move(piece.text), std::nullopt});
      continue;
    }
    auto part = read_placeholder(piece.text);
    if (!part) return tl::unexpected(std::move(part.error()));
    made.parts_.push_back(std::move(*part));
  }
  return made;
}

bool TextTemplate::uses(Placeholder placeholder) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Part& part) { return part.placeholder == placeholder; });
}

std::optional<std::string_view> TextTemplate::fixed() const {
  if (parts_.empty()) return std::string_view();
  if (parts_.size() > 1 || parts_.front().placeholder) return std::nullopt;
  return parts_.front().text;
}

std::string TextTemplate::fill(const RequestContext& context) const {
  std::string text;
  for (const Part& part : parts_) text += part.placeholder ? value_of(part, context) : part.text;
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

}  // namespace postern::policy
