// The texts of rules about claims: three lines, which are a template of a path, a text with values of the
// request and the target of a request, and then the claims of a token in JSON. What is accepted has the names
// that it shows, takes from a target what stands there, and permits nothing by a value that the request does
// not have.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "http/path_readings.h"
#include "policy/claim_rules.h"
#include "policy/token_claims.h"
#include "support/judged_request.h"

using postern::base::check;
using namespace postern::policy;

namespace {

std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void check_template(const SegmentTemplate& names, std::string_view path) {
  check(!names.names().empty() && names.names().size() <= SegmentTemplate::most_segments,
        "a template names something, and not too much");
  check(!names.find("no such name", path), "a name that is not there finds nothing");
  for (const std::string_view name : names.names()) {
    const auto found = names.find(name, path);
    if (!found) continue;
    check(!found->empty() && found->find('/') == found->npos, "a segment is not empty and one");
    check(path.find(*found) != path.npos, "a segment stands in the path");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view template_text = take_line(rest);
  const std::string_view value_text = take_line(rest);
  const std::string_view target = take_line(rest);
  const auto path = SegmentTemplate::read(SegmentTemplate::Of::path, template_text);
  const auto host = SegmentTemplate::read(SegmentTemplate::Of::host, template_text);
  const auto text = RequestText::read(value_text);
  for (const std::string* error :
       {path ? nullptr : &path.error(), host ? nullptr : &host.error(), text ? nullptr : &text.error()})
    check(error == nullptr || (!error->empty() && error->size() < 300), "a refusal is a sentence");
  if (text && text->fixed()) check(text->values().empty(), "a fixed text has no values of a request");

  postern::support::JudgedRequest request("GET", target);
  if (!request.readable) return 0;
  if (path) check_template(*path, request.target.path);
  auto json = postern::base::parse_json(rest);
  if (!text || !json || !json->is_object()) return 0;
  const VerifiedToken token(std::make_unique<const VerifiedToken::Claims>(std::move(*json)), {});

  ClaimRule rule;
  if (path) rule.path = *path;
  if (host) rule.host = *host;
  rule.condition.kind = ClaimCondition::Kind::one_of;
  rule.condition.claim = "c";
  rule.condition.values = {*text};
  std::optional<postern::http::PathReadings> readings;
  const bool permits = rule.permits(token, request.context, readings);
  check(!permits || token.has("c"), "a claim that is not there is no value");
  const RequestValues values{&request.context, rule.path ? &*rule.path : nullptr,
                             rule.host ? &*rule.host : nullptr, request.target.path};
  const auto filled = text->fill(values);
  check(!permits || request.target.odd || (filled && token.claim_is("c", *filled)),
        "what permits is the value in the claim");

  ClaimRule opposite = rule;
  opposite.condition = ClaimCondition();
  opposite.condition.kind = ClaimCondition::Kind::none;
  opposite.condition.parts = {rule.condition};
  const bool permits_opposite = opposite.permits(token, request.context, readings);
  check(!(permits && permits_opposite), "a condition and its opposite do not both hold");
  if (!filled && !request.target.odd)
    check(!permits && !permits_opposite, "a value that is not there permits nothing");
  return 0;
}
