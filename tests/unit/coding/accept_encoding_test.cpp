#include "coding/accept_encoding.h"

#include <doctest/doctest.h>

#include <vector>

using namespace postern::coding;

namespace {

const std::vector<Coding> usual{Coding::zstd, Coding::brotli, Coding::gzip};

Coding best(std::string_view field, const std::vector<Coding>& offered = usual) {
  return Accepted::read(field).best(offered);
}

}  // namespace

TEST_CASE("accept encoding: the best of what both know") {
  struct Row {
    std::string_view field;
    Coding best;
  };
  for (const Row& row : std::vector<Row>{
           {"gzip, deflate, br, zstd", Coding::zstd},  // equal weights: our order decides
           {"gzip, deflate, br", Coding::brotli},
           {"gzip", Coding::gzip},
           {"GZip", Coding::gzip},
           {"x-gzip", Coding::gzip},
           {"deflate", Coding::identity},
           {"", Coding::identity},
           {"*", Coding::zstd},
           {"*;q=0.5, gzip", Coding::gzip},
           {"gzip;q=0", Coding::identity},
           {"gzip;q=0, *", Coding::zstd},
           {"zstd;q=0, *;q=0.1", Coding::brotli},
           {"*;q=0", Coding::identity},
           {"*;q=0, gzip;q=0.001", Coding::gzip},
           {"br;q=0.5, gzip;q=0.8", Coding::gzip},
           {"br;q=0.500, gzip;q=0.50", Coding::brotli},
           {"br ; q=0.9 , zstd ;q=1.000", Coding::zstd},
           {"br;Q=0.9, zstd;q=0.1", Coding::brotli},
           {"identity, gzip;q=0.5", Coding::identity},
           {"identity;q=0.5, gzip", Coding::gzip},
           {"identity, gzip", Coding::gzip},
           {"identity;q=0, gzip;q=0.1", Coding::gzip},
           {"identity;q=0", Coding::identity},  // no other coding is acceptable
           {",, gzip ,", Coding::gzip},
       }) {
    CAPTURE(row.field);
    CHECK(best(row.field) == row.best);
  }
}

TEST_CASE("accept encoding: an element that cannot be read does not count") {
  for (const char* field :
       {"gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=-1", "gzip;q=.5", "gzip;q=1x",
        "gzip;level=9", "gzip;", "gzip q=1", "g zip", ";q=1", "gzip;q=00.5"}) {
    CAPTURE(field);
    const bool harmless = std::string_view(field) == "gzip;";  // an empty parameter has no meaning
    CHECK(best(field) == (harmless ? Coding::gzip : Coding::identity));
    CHECK(best(std::string(field) + ", br") == Coding::brotli);
  }
}

TEST_CASE("accept encoding: only what is offered is chosen, in the order of the offer") {
  CHECK(best("gzip, br, zstd", {Coding::gzip, Coding::brotli}) == Coding::gzip);
  CHECK(best("gzip, br, zstd", {Coding::brotli}) == Coding::brotli);
  CHECK(best("gzip", {Coding::brotli}) == Coding::identity);
  CHECK(best("gzip", {}) == Coding::identity);
  CHECK(best("gzip", {Coding::identity, Coding::gzip}) == Coding::gzip);
}

TEST_CASE("accept encoding: several fields are one list, none is nothing") {
  postern::http::Headers headers;
  CHECK(Accepted::read(headers).best(usual) == Coding::identity);
  headers.add("Accept-Encoding", "gzip;q=0.5");
  headers.add("Accept", "br");
  headers.add("accept-encoding", "br;q=0.7");
  CHECK(Accepted::read(headers).best(usual) == Coding::brotli);
  CHECK(Accepted::read(headers).weight(Coding::gzip) == 500);
  CHECK(Accepted::read(headers).weight(Coding::zstd) == 0);
  CHECK(Accepted().weight(Coding::identity) > 0);
}
