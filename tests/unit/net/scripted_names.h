// A name source whose answers, and their times, the test decides.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/name_source.h"

namespace postern::net {

inline base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }

inline NameAnswer addresses(std::vector<std::string> texts, base::Duration lifetime) {
  NameAnswer answer;
  for (const std::string& text : texts) answer.addresses.push_back(ip(text));
  answer.lifetime = lifetime;
  return answer;
}

inline NameAnswer targets(std::vector<ServiceTarget> list, base::Duration lifetime) {
  NameAnswer answer;
  answer.targets = std::move(list);
  answer.lifetime = lifetime;
  return answer;
}

// Records the queries, and answers when the test calls it.
class ScriptedNames final : public NameSource {
 public:
  void ask(NameKind kind, const std::string& name, Asker& asker) override {
    asked.push_back((kind == NameKind::service ? "service " : "") + name);
    open = &asker;
  }
  void answer(NameAnswer answer) { std::exchange(open, nullptr)->on_answer(std::move(answer)); }
  void fail(std::string_view why = "no name server answered in time") {
    std::exchange(open, nullptr)->on_failure(why);
  }

  std::vector<std::string> asked;
  Asker* open = nullptr;
};

}  // namespace postern::net
