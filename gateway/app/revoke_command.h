// `postern revoke`: revokes tokens in a running gateway, over its admin listener.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace postern::app {

struct RevokeOptions {
  std::string file;  // the configuration, which names the admin listener
  std::string token_id;
  std::string subject;
  std::string session;
  std::string issuer;
  std::string issued_before;
  std::string lasts;
  bool json = false;
};

// Returns what to print, or a sentence that says what is wrong. Blocks.
tl::expected<std::string, std::string> revoke(const RevokeOptions& options);

}  // namespace postern::app
