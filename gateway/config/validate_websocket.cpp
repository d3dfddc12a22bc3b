#include "config/validate_websocket.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/compile_websocket.h"

namespace postern::config {
namespace {

using routing::FrameMode;
using routing::MessageRules;
using routing::OnViolation;

bool has_rate(const MessageRules& rules) {
  return rules.messages.per_second != 0 || rules.bytes.per_second != 0;
}

bool is_type(const std::optional<base::JsonPath>& path) { return !path || path->text() == "/type"; }

class SocketValidation {
 public:
  SocketValidation(const Document& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  void run() {
    for (size_t index = 0; index < document_.routes.size(); ++index) {
      route_ = index;
      if (!route().upstream.empty()) check_route();
    }
    report_what_is_for_all();
  }

 private:
  // Whether a problem is reported when any, or only when all, of the routes that inherit a key have it.
  enum class Spread : uint8_t { on_any, on_all };

  // What was found about a key that the document sets for all routes.
  struct Finding {
    std::vector<size_t> routes;  // the routes that have the problem
    size_t judged = 0;           // number of routes that inherit the key
    Spread spread = Spread::on_all;
  };

  const RouteDocument& route() const { return document_.routes[route_]; }
  std::string path_of(size_t index) const { return "routes[" + std::to_string(index) + ']'; }

  bool is_own(const std::string& key) const {
    const auto& for_all = document_.websocket.said;
    const auto said = for_all.find(key);
    return said == for_all.end() || said->second != route().websocket.said.find(key)->second;
  }

  // Warns with `sentence` if `is_so` and the file sets all of `keys`. The warning stands at the first key
  // that the route sets itself. If all keys are inherited from the document, report_what_is_for_all() warns
  // once, after all routes were examined.
  void judge(std::initializer_list<std::string> keys, bool is_so, const std::string& sentence,
             Spread spread = Spread::on_all) {
    const auto& said = route().websocket.said;
    for (const std::string& key : keys)
      if (!said.contains(key)) return;
    const auto own =
        std::find_if(keys.begin(), keys.end(), [&](const std::string& key) { return is_own(key); });
    const std::string& key = own == keys.end() ? *keys.begin() : *own;
    if (own != keys.end()) {
      if (is_so) diagnostics_.warn(said.find(key)->second, path_of(route_) + ".websocket." + key, sentence);
      return;
    }
    Finding& finding = for_all_[{said.find(key)->second, key, sentence}];
    finding.spread = spread;
    ++finding.judged;
    if (is_so) finding.routes.push_back(route_);
  }

  void check_route() {
    const WebSocketDocument& websocket = route().websocket;
    const bool has_limits = !websocket.message_limit_names.empty() || !websocket.byte_limit_names.empty();
    const FrameMode needed = least_mode(websocket);
    const bool are_read = std::max(websocket.mode, needed) == FrameMode::inspect;
    check_messages("from_client.", websocket.from_client, has_limits, are_read);
    check_messages("from_upstream.", websocket.from_upstream, false, are_read);
    judge({"latest_field"},
          websocket.on_slow_reader != routing::OnSlowReader::keep_latest && !is_type(websocket.latest_field),
          "has no effect without slow_reader: keep_latest");
    judge({"pong_timeout"}, websocket.ping_interval == base::no_limit,
          "has no effect: with ping_interval: none there are no pings to answer");
    for (const auto& [mode, name] : {std::pair(FrameMode::walk, "walk"), {FrameMode::inspect, "inspect"}})
      judge({"mode"}, websocket.mode < needed && needed == mode,
            std::string("becomes ") + name + ", which the rules need; leave mode out, or the rules",
            Spread::on_any);
    judge({"token_grace"}, route().jwt.empty(), "has no effect: the route has no jwt");
    check_subjects();
  }

  void check_messages(const std::string& side, const MessageRules& rules, bool has_limits, bool are_read) {
    const bool says_burst = route().websocket.said.contains(side + "byte_burst");
    judge({side + (says_burst ? "byte_burst" : "byte_rate"), side + "message_size"},
          rules.bytes.per_second != 0 && rules.on_rate != OnViolation::slow &&
              static_cast<double>(rules.message_size) > rules.bytes.burst,
          "lets less come at once than message_size allows: so large a message can never pass; raise "
          "byte_burst "
          "or lower message_size");
    judge({side + "types", side + "messages"}, !rules.types.empty() && (!rules.any || !rules.text),
          "nothing can pass: types are those of text messages, and messages allows none");
    judge({side + "message_timeout"}, !are_read && rules.message_timeout != MessageRules().message_timeout,
          "has no effect where messages are not read: write mode: inspect");
    judge({side + "on_rate"}, rules.on_rate != OnViolation::close && !has_rate(rules) && !has_limits,
          "has no effect: there is no rate");
    const std::string no_types = "has no effect: there are no types";
    judge({side + "type_field"}, rules.types.empty() && !is_type(rules.type_field), no_types);
    judge({side + "first_passes"}, rules.types.empty() && rules.first_passes, no_types);
    judge({side + "on_type"}, rules.types.empty() && rules.on_type != OnViolation::drop, no_types);
  }

  void check_subjects() {
    const std::string key = "sockets.per_subject";
    const auto said = route().websocket.said.find(key);
    if (said == route().websocket.said.end()) return;
    const bool is_so = route().websocket.limits.per_subject != 0 && route().jwt.empty();
    if (!is_own(key))
      judge({key}, is_so, "counts by the sub claim of a token, and limits nothing where there is no jwt",
            Spread::on_any);
    else if (is_so)
      diagnostics_.error(said->second, path_of(route_) + ".websocket." + key,
                         "counts by the sub claim of a token: the route needs jwt to have any");
  }

  void report_what_is_for_all() {
    for (const auto& [about, finding] : for_all_) {
      const auto& [location, key, sentence] = about;
      const size_t count = finding.routes.size();
      if (count == 0 || (finding.spread == Spread::on_all && count < finding.judged)) continue;
      std::string where;
      if (count < finding.judged) {
        const size_t first = finding.routes.front();
        where =
            "; so on " + path_of(first) + " in line " + std::to_string(document_.routes[first].location.line);
        if (count > 1) where += " and " + std::to_string(count - 1) + " more";
      }
      diagnostics_.warn(location, "websocket." + key, sentence + where);
    }
  }

  const Document& document_;
  Diagnostics& diagnostics_;
  size_t route_ = 0;
  std::map<std::tuple<SourceLocation, std::string, std::string>, Finding> for_all_;
};

}  // namespace

void validate_websocket(const Document& document, Diagnostics& diagnostics) {
  SocketValidation(document, diagnostics).run();
}

}  // namespace postern::config
