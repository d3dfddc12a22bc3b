#include "config/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text_builder.h"
#include "config/text.h"

namespace postern::config {
namespace {

constexpr std::size_t whole = static_cast<std::size_t>(-1) / 2;

const char* name_of(Severity severity) { return severity == Severity::warning ? "warning" : "error"; }

void append_problem(base::TextBuilder& out, const Problem& problem) {
  out.append("{\"severity\":").append_json_string(name_of(problem.severity));
  out.append(",\"file\":").append_json_string(problem.file);
  out.append(",\"line\":").append_number(problem.location.line);
  out.append(",\"column\":").append_number(problem.location.column);
  out.append(",\"key\":").append_json_string(problem.key);
  out.append(",\"sentence\":").append_json_string(problem.sentence).append('}');
}

}  // namespace

std::string to_text(const Problem& problem) {
  std::string out = shown(problem.file, whole);
  const bool placed = problem.location.line > 0;
  out += ':';
  if (placed) out += std::to_string(problem.location.line) + ':' + std::to_string(problem.location.column);
  if (problem.severity == Severity::warning) out += " warning:";
  if (!problem.key.empty()) out += ' ' + shown(problem.key, whole) + ':';
  return out + ' ' + shown(problem.sentence, whole);
}

Diagnostics Diagnostics::unreadable_file(std::string file, std::string sentence) {
  Diagnostics diagnostics(std::move(file));
  diagnostics.unreadable_ = true;
  diagnostics.error(SourceLocation{}, "", std::move(sentence));
  return diagnostics;
}

void Diagnostics::error(SourceLocation location, std::string key, std::string sentence) {
  ++errors_;
  add(Problem{Severity::error, file_, location, std::move(key), std::move(sentence)});
}

void Diagnostics::warn(SourceLocation location, std::string key, std::string sentence) {
  add(Problem{Severity::warning, file_, location, std::move(key), std::move(sentence)});
}

void Diagnostics::add(Problem problem) {
  if (full()) {
    ++left_out_;
  } else {
    problems_.push_back(std::move(problem));
  }
}

void Diagnostics::sort() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& left, const Problem& right) {
    return std::tie(left.location, left.key) < std::tie(right.location, right.key);
  });
}

std::string Diagnostics::text() const {
  std::string out;
  for (const Problem& problem : problems_) out += to_text(problem) + '\n';
  if (left_out_ > 0) {
    out += shown(file_, whole) + ": " + std::to_string(left_out_) + " further problems are not shown\n";
  }
  return out;
}

std::string Diagnostics::json() const {
  base::TextBuilder out;
  out.append("{\"file\":").append_json_string(file_);
  out.append(",\"unreadable\":").append(unreadable_ ? "true" : "false");
  out.append(",\"errors\":").append_number(errors_);
  out.append(",\"left_out\":").append_number(left_out_).append(",\"problems\":[");
  for (std::size_t index = 0; index < problems_.size(); ++index) {
    if (index > 0) out.append(',');
    append_problem(out, problems_[index]);
  }
  return std::string(out.append("]}").view());
}

}  // namespace postern::config
