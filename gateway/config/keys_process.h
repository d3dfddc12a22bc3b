// The keys of the process as a whole: `log`, `resolver`, `admin` and `error_pages`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<LogDocument>& log_keys();
const Keys<net::DnsOptions>& resolver_keys();
const Keys<AdminDocument>& admin_keys();

// `error_pages`, whose keys are statuses beside the fixed ones.
struct ErrorPages {
  void read_into(const Value& value, ErrorPagesDocument& pages) const;
  std::string words() const { return "map"; }
  std::string shown(const ErrorPagesDocument&) const { return "the built-in pages"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::section; }
  const Section* section() const;
};

}  // namespace postern::config
