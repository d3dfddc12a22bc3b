#include "config/document.h"

#include "config/text.h"

namespace postern::config {

std::string Document::quote(SourceLocation location, std::string_view value) const {
  const auto written = as_written.find(location);
  return quoted(written == as_written.end() ? value : std::string_view(written->second));
}

}  // namespace postern::config
