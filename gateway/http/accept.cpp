#include "http/accept.h"

#include <optional>

#include "base/ascii.h"

namespace postern::http {
namespace {

constexpr int most = 1000;

// Reads a quality value: "0", "1", "0.75", with at most three digits after the point (RFC 9110 12.4.2).
std::optional<int> read_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int quality = text[0] == '1' ? most : 0;
  if (text.size() == 1) return quality;
  if (text[1] != '.') return std::nullopt;
  int place = 100;
  for (char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    quality += (c - '0') * place;
    place /= 10;
  }
  return quality <= most ? std::optional(quality) : std::nullopt;
}

struct Range {
  std::string_view type;
  std::string_view subtype;
  int quality = most;
};

// Reads one element of the list.
std::optional<Range> read_range(std::string_view element) {
  size_t end = std::min(element.find(';'), element.size());
  const std::string_view media = base::trim(element.substr(0, end));
  const size_t slash = media.find('/');
  if (slash == media.npos) return std::nullopt;
  Range range{media.substr(0, slash), media.substr(slash + 1)};
  if (!base::is_token(range.type) || !base::is_token(range.subtype)) return std::nullopt;
  while (end < element.size()) {
    const size_t start = end + 1;
    end = std::min(element.find(';', start), element.size());
    const std::string_view parameter = base::trim(element.substr(start, end - start));
    if (parameter.size() < 2 || base::lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    const std::optional<int> quality = read_quality(parameter.substr(2));
    if (!quality) return std::nullopt;
    range.quality = *quality;
  }
  return range;
}

// Returns how closely the range matches: 3 for this type, 2 for type/*, 1 for */*, 0 for no match.
int fit(const Range& range, std::string_view type, std::string_view subtype) {
  if (range.type == "*") return range.subtype == "*" ? 1 : 0;
  if (!base::equal_ignoring_case(range.type, type)) return 0;
  if (range.subtype == "*") return 2;
  return base::equal_ignoring_case(range.subtype, subtype) ? 3 : 0;
}

}  // namespace

int media_quality(const Headers& headers, std::string_view type, std::string_view subtype) {
  bool asked = false;
  int best_fit = 0;
  int quality = 0;
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::other || !base::equal_ignoring_case(field.name, "accept")) continue;
    std::string_view list = field.value;
    while (const std::optional<std::string_view> element = base::next_element(list)) {
      asked = true;
      const std::optional<Range> range = read_range(*element);
      const int fits = range ? fit(*range, type, subtype) : 0;
      if (fits <= best_fit) continue;
      best_fit = fits;
      quality = range->quality;
    }
  }
  return asked ? quality : most;
}

bool wants_events(const RequestHead& request) {
  for (const HeaderField& field : request.headers) {
    if (!base::equal_ignoring_case(field.name, "Accept")) continue;
    std::string_view accepted = field.value;
    while (const std::optional<std::string_view> element = base::next_element(accepted))
      if (base::equal_ignoring_case(base::trim(element->substr(0, element->find(';'))), "text/event-stream"))
        return true;
  }
  return false;
}

}  // namespace postern::http
