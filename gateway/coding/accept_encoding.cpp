#include "coding/accept_encoding.h"

#include "base/ascii.h"

namespace postern::coding {
namespace {

std::optional<Coding> coding_of(std::string_view name) {
  for (const Coding coding : {Coding::identity, Coding::gzip, Coding::brotli, Coding::zstd})
    if (base::equal_ignoring_case(name, token(coding))) return coding;
  if (base::equal_ignoring_case(name, "x-gzip")) return Coding::gzip;  // an alias (RFC 9110 8.4.1.3)
  return std::nullopt;
}

// Parses a qvalue (RFC 9110 12.4.2): 0 or 1, and up to three digits after a point.
std::optional<int16_t> read_qvalue(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int value = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int unit = 100;
  for (size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value += (text[i] - '0') * unit;
  }
  if (value > 1000) return std::nullopt;
  return static_cast<int16_t>(value);
}

// Parses the weight after a name: 1000 if there is none, nothing when it cannot be parsed.
std::optional<int16_t> read_weight(std::string_view parameters) {
  parameters = base::trim(parameters);
  if (parameters.empty()) return int16_t{1000};
  if (parameters.size() < 2 || base::lower(parameters[0]) != 'q' || parameters[1] != '=') return std::nullopt;
  return read_qvalue(parameters.substr(2));
}

}  // namespace

Accepted Accepted::read(const http::Headers& headers) {
  Accepted accepted;
  for (const http::HeaderField& field : headers)
    if (field.id == http::FieldId::accept_encoding) accepted.take(field.value);
  accepted.settle();
  return accepted;
}

Accepted Accepted::read(std::string_view field) {
  Accepted accepted;
  accepted.take(field);
  accepted.settle();
  return accepted;
}

void Accepted::take(std::string_view field) {
  while (const auto element = base::next_element(field)) {
    const size_t semicolon = element->find(';');
    const std::string_view name = base::trim(element->substr(0, semicolon));
    const std::optional<int16_t> weight =
        read_weight(semicolon == element->npos ? std::string_view() : element->substr(semicolon + 1));
    if (!weight) continue;
    if (name == "*")
      any_ = *weight;
    else if (const std::optional<Coding> coding = coding_of(name))
      said_[static_cast<size_t>(*coding)] = *weight;
  }
}

void Accepted::settle() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const int16_t weight = said_[i] != unsaid ? said_[i] : any_;
    const bool identity = i == static_cast<size_t>(Coding::identity);
    // Identity is acceptable unless the client excludes it, but less preferred than any coding that the
    // client names.
    if (identity && said_[i] == unsaid)
      weights_[i] = any_ == 0 ? 0 : 1;
    else
      weights_[i] = weight == unsaid ? 0 : static_cast<uint16_t>(weight);
  }
}

Coding Accepted::best(std::span<const Coding> offered) const {
  Coding best = Coding::identity;
  for (const Coding coding : offered) {
    if (coding == Coding::identity || weight(coding) == 0) continue;
    // On equal weights, a coding wins over identity.
    if (best == Coding::identity ? weight(coding) >= weight(best) : weight(coding) > weight(best))
      best = coding;
  }
  return best;
}

}  // namespace postern::coding
