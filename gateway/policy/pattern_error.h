// Explains errors in regular expressions to operators who know other regular expression engines.
#pragma once

#include <string>

#include <re2/re2.h>

namespace postern::policy {

// Returns RE2's error message, and adds which feature RE2 lacks where that is the reason.
inline std::string pattern_error(const re2::RE2& pattern) {
  std::string text = pattern.error();
  const std::string& written = pattern.pattern();
  for (const char* look : {"(?!", "(?=", "(?<!", "(?<="})
    if (written.find(look) != std::string::npos)
      return text + " (RE2 has no look-ahead and no look-behind; write what may stand there instead)";
  const size_t escape = written.find('\\');
  const bool is_back_reference = escape != std::string::npos && escape + 1 < written.size() &&
                                 written[escape + 1] >= '1' && written[escape + 1] <= '9';
  if (is_back_reference) text += " (RE2 has no references to groups inside a pattern)";
  return text;
}

}  // namespace postern::policy
