#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

std::string said(const std::string& listener, const std::string& endpoint) {
  return said_of("listeners: [{ address: \"" + listener + "\" }]\nupstreams: { api: { endpoints: [\"" +
                 endpoint + "\"] } }\nroutes: [{ upstream: api }]\n");
}

}  // namespace

TEST_CASE("validate: an endpoint that is a listener of the same file leads back to the gateway") {
  CHECK(said("127.0.0.1:8080", "http://127.0.0.1:8080") ==
        "f:2:33 warning: upstreams.api.endpoints[0]: leads back to the gateway: it is the listener in line "
        "1, and a "
        "request that takes this route twice is answered with 508; write the address of the application\n");
  for (const auto& [listener, endpoint] :
       std::vector<std::pair<std::string, std::string>>{{":8080", "http://127.0.0.1:8080"},
                                                        {":8080", "http://localhost:8080"},
                                                        {":80", "ws://[::1]"},
                                                        {"0.0.0.0:8080", "http://127.0.0.7:8080"},
                                                        {"localhost:8080", "http://127.0.0.1:8080"},
                                                        {"127.0.0.1:8080", "http://LOCALHOST:8080"},
                                                        {"[::1]:8080", "http://[0::1]:8080"},
                                                        {"10.0.0.5:8080", "http://10.0.0.5:8080"}}) {
    const auto& the_listener = listener;
    CAPTURE(the_listener);
    const auto& the_endpoint = endpoint;
    CAPTURE(the_endpoint);
    CHECK(said(listener, endpoint).find("leads back to the gateway") != std::string::npos);
  }
}

TEST_CASE("validate: an endpoint elsewhere does not lead back") {
  for (const auto& [listener, endpoint] :
       std::vector<std::pair<std::string, std::string>>{{":8080", "http://127.0.0.1:8081"},
                                                        {":8080", "http://app.internal:8080"},
                                                        {"127.0.0.1:8080", "http://127.0.0.2:8080"},
                                                        {"127.0.0.1:8080", "http://10.0.0.5:8080"},
                                                        {"127.0.0.1:0", "http://127.0.0.1:8080"}}) {
    const auto& the_listener = listener;
    CAPTURE(the_listener);
    const auto& the_endpoint = endpoint;
    CAPTURE(the_endpoint);
    CHECK(said(listener, endpoint).find("leads back") == std::string::npos);
  }
}

TEST_CASE("validate: a route that names the gateway's own address is named itself") {
  CHECK(
      said_of(
          "listeners: [{ address: \"127.0.0.1:8080\" }]\nroutes: [{ upstream: \"http://127.0.0.1:8080\" }]\n")
          .find("routes[0].upstream: leads back to the gateway") != std::string::npos);
}
