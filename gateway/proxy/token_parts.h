// Which parts of a verified token the access log shows.
#pragma once

namespace postern::proxy {

struct TokenParts {
  bool provider = false;
  bool subject = false;
  bool subject_hash = false;
  bool id = false;
  bool rule = false;
  bool any() const { return provider || subject || subject_hash || id || rule; }
};

}  // namespace postern::proxy
