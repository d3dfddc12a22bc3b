#include "coding/negotiation.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace postern;
using namespace postern::coding;

namespace {

struct Answer {
  http::ResponseHead head;
  Answer(std::initializer_list<std::pair<std::string_view, std::string_view>> fields, uint16_t status = 200) {
    head.status = status;
    head.body = http::BodyKind::length;
    head.content_length = 5000;
    for (const auto& [name, value] : fields) head.headers.add(name, value);
  }
  Coding for_client(std::string_view accept, std::optional<uint64_t> size = 5000, const Rules& rules = {},
                    std::string_view if_none_match = {}) {
    return negotiate(rules, {Accepted::read(accept), if_none_match}, size, head);
  }
  std::string_view field(std::string_view name) const {
    const http::HeaderField* found = head.headers.find(name);
    return found ? found->value : std::string_view();
  }
};

}  // namespace

TEST_CASE("negotiation: an encoded response says so everywhere") {
  Answer answer{{"Content-Type", "text/html; charset=utf-8"},
                {"Content-Length", "5000"},
                {"ETag", "\"abc\""},
                {"Accept-Ranges", "bytes"},
                {"Vary", "Origin"}};
  CHECK(answer.for_client("gzip, br") == Coding::brotli);
  CHECK(answer.field("Content-Encoding") == "br");
  CHECK(answer.field("ETag") == "W/\"abc\"");
  CHECK(answer.field("Accept-Ranges").empty());
  CHECK(answer.field("Content-Length").empty());
  CHECK(answer.head.body == http::BodyKind::chunked);
  CHECK(answer.head.headers.count(http::FieldId::vary) == 2);
  CHECK(answer.head.headers.list_contains(http::FieldId::vary, "accept-encoding"));
}

TEST_CASE("negotiation: a weak ETag stays as it is, a Vary that says it already too") {
  Answer answer{{"Content-Type", "text/css"}, {"ETag", "W/\"abc\""}, {"Vary", "accept-encoding, Origin"}};
  CHECK(answer.for_client("gzip") == Coding::gzip);
  CHECK(answer.field("ETag") == "W/\"abc\"");
  CHECK(answer.head.headers.count(http::FieldId::vary) == 1);
  Answer any{{"Content-Type", "text/css"}, {"Vary", "*"}};
  CHECK(any.for_client("gzip") == Coding::gzip);
  CHECK(any.head.headers.count(http::FieldId::vary) == 1);
}

TEST_CASE("negotiation: what another client would get encoded varies for this one too") {
  Answer answer{{"Content-Type", "application/json"}, {"ETag", "\"abc\""}};
  CHECK(answer.for_client("") == Coding::identity);
  CHECK(answer.field("Vary") == "Accept-Encoding");
  CHECK(answer.field("ETag") == "\"abc\"");
  CHECK(answer.head.body == http::BodyKind::length);
  CHECK(answer.field("Content-Encoding").empty());
}

TEST_CASE("negotiation: what must stay as it is") {
  struct Row {
    const char* why;
    Answer answer;
    bool varies;
  };
  Row rows[] = {
      {"no type", Answer{}, false},
      {"not a listed type", Answer{{"Content-Type", "image/png"}}, false},
      {"events", Answer{{"Content-Type", "text/event-stream"}}, false},
      {"events with a charset", Answer{{"Content-Type", "Text/Event-Stream ; charset=utf-8"}}, false},
      {"no-transform", Answer{{"Content-Type", "text/css"}, {"Cache-Control", "public, No-Transform"}},
       false},
      {"encoded", Answer{{"Content-Type", "text/css"}, {"Content-Encoding", "gzip"}}, true},
      {"a digest", Answer{{"Content-Type", "text/css"}, {"Repr-Digest", "sha-256=:x:"}}, true},
      {"a digest of the content", Answer{{"Content-Type", "text/css"}, {"Content-Digest", "x"}}, true},
      {"an old digest", Answer{{"Content-Type", "text/css"}, {"Content-MD5", "x"}}, true},
      {"a range", Answer{{{"Content-Type", "text/css"}, {"Content-Range", "bytes 0-9/10"}}, 206}, true},
      {"204", Answer{{{"Content-Type", "text/css"}}, 204}, true},
      {"205", Answer{{{"Content-Type", "text/css"}}, 205}, true},
      {"304", Answer{{{"Content-Type", "text/css"}}, 304}, true},
  };
  for (Row& row : rows) {
    CAPTURE(row.why);
    Answer& answer = row.answer;
    const http::BodyKind before = answer.head.body;
    CHECK(answer.for_client("gzip") == Coding::identity);
    CHECK(answer.head.body == before);
    CHECK((answer.field("Vary") == "Accept-Encoding") == row.varies);
  }
}

TEST_CASE("negotiation: an error page is encoded like any other page") {
  Answer answer{{{"Content-Type", "text/html"}}, 404};
  CHECK(answer.for_client("gzip") == Coding::gzip);
}

TEST_CASE("negotiation: identity is no encoding") {
  Answer answer{{"Content-Type", "text/css"}, {"Content-Encoding", "identity"}};
  CHECK(answer.for_client("gzip") == Coding::gzip);
  CHECK(answer.field("Content-Encoding") == "gzip");
}

TEST_CASE("negotiation: the least size, at it and below it") {
  Rules rules;
  rules.min_size = 1000;
  const auto with_size = [&](std::optional<uint64_t> size) {
    Answer answer{{"Content-Type", "text/css"}};
    return answer.for_client("gzip", size, rules);
  };
  CHECK(with_size(1000) == Coding::gzip);
  CHECK(with_size(999) == Coding::identity);
  CHECK(with_size(std::nullopt) == Coding::gzip);
  rules.min_size = 0;
  CHECK(with_size(1) == Coding::gzip);
  CHECK(with_size(0) == Coding::identity);
}

TEST_CASE("negotiation: only the algorithms of the route, in its order") {
  Rules rules;
  rules.algorithms = {Coding::gzip, Coding::zstd};
  Answer first{{"Content-Type", "text/css"}};
  CHECK(first.for_client("br, zstd, gzip", 5000, rules) == Coding::gzip);
  Answer second{{"Content-Type", "text/css"}};
  CHECK(second.for_client("br", 5000, rules) == Coding::identity);
}

TEST_CASE("negotiation: types by name and by family") {
  const std::vector<std::string> types{"text/*", "application/json"};
  CHECK(is_listed(types, "text/plain"));
  CHECK(is_listed(types, "TEXT/Plain; charset=utf-8"));
  CHECK(is_listed(types, "Application/JSON;charset=x"));
  CHECK_FALSE(is_listed(types, "application/json5"));
  CHECK_FALSE(is_listed(types, "text/"));
  CHECK_FALSE(is_listed(types, "textual/plain"));
  CHECK_FALSE(is_listed(types, "text/event-stream"));
  CHECK_FALSE(is_listed(types, ""));
  CHECK_FALSE(is_listed({"text/event-stream"}, "text/event-stream"));
}

TEST_CASE("negotiation: a 304 confirms the validator that the client holds") {
  const auto tag_for = [](std::string_view held) {
    Answer answer{{{"ETag", "\"abc\""}}, 304};
    CHECK(answer.for_client("gzip", std::nullopt, {}, held) == Coding::identity);
    return std::string(answer.field("ETag"));
  };
  CHECK(tag_for("W/\"abc\"") == "W/\"abc\"");
  CHECK(tag_for("\"x\", W/\"abc\"") == "W/\"abc\"");
  CHECK(tag_for("\"abc\"") == "\"abc\"");
  CHECK(tag_for("*") == "\"abc\"");
  CHECK(tag_for("W/\"other\", \"abc\"") == "\"abc\"");
}

TEST_CASE("negotiation: at the limit of encoders nothing further is encoded, and one free place is enough") {
  std::vector<std::unique_ptr<Encoder>> held;
  while (live_encoders() < live_encoders_max - 1) held.push_back(make_encoder(Coding::gzip, {}, 1));
  Answer last{{"Content-Type", "text/css"}};
  CHECK(last.for_client("gzip") == Coding::gzip);
  held.push_back(make_encoder(Coding::gzip, {}, 1));
  Answer beyond{{"Content-Type", "text/css"}};
  CHECK(beyond.for_client("gzip") == Coding::identity);
  CHECK(beyond.field("Vary") == "Accept-Encoding");
  held.pop_back();
  Answer again{{"Content-Type", "text/css"}};
  CHECK(again.for_client("gzip") == Coding::gzip);
}
