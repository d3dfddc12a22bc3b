#include "http1/field_reader.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "http1/characters.h"
#include "http1/excerpt.h"

namespace postern::http1 {
namespace {

using Kind = FieldFault::Kind;

// The fields that decide where a message ends are always read strictly, since readers disagree about
// malformed ones.
bool is_framing(std::string_view name) {
  const http::FieldId id = http::field_id(name);
  return id == http::FieldId::content_length || id == http::FieldId::transfer_encoding ||
         id == http::FieldId::connection;
}

class Section {
 public:
  Section(base::Chunk& bytes, size_t start, Reading reading, Deviations& deviations)
      : begin_(reinterpret_cast<char*>(bytes.end()) - bytes.size()),
        end_(reinterpret_cast<char*>(bytes.end())),
        next_(begin_ + start),
        reading_(reading),
        deviations_(deviations) {}

  tl::expected<void, FieldFault> read(size_t fields_max, http::Headers& into) {
    while (next_line() && line_ != line_end_) {
      const char* name_end = find_token_end(line_, line_end_);
      const char* colon = name_end;
      if (forgives() && name_end != line_)
        while (colon != line_end_ && is_blank(*colon)) ++colon;
      if (colon == line_end_ || *colon != ':')
        return refuse(name_end != line_end_ && *name_end == '\r' ? bare_cr : bad_character, name_end);
      if (name_end == line_) return refuse("a field without a name", line_);
      const std::string_view name(line_, static_cast<size_t>(name_end - line_));
      if (colon != name_end) {
        if (is_framing(name))
          return refuse("white space before the colon of a field about framing", name_end);
        note(Deviation::space_before_colon, name_end);
      }
      if (auto unfolded = unfold(name); !unfolded) return unfolded;
      const char* const bad = find_value_end(colon + 1, line_end_);
      if (bad != line_end_) return refuse(*bad == '\r' ? bare_cr : bad_character, bad);
      if (into.size() >= fields_max)
        return tl::unexpected(FieldFault{Kind::too_many, "more header fields than the limit", offset(line_)});
      into.add(name, base::trim({colon + 1, static_cast<size_t>(line_end_ - colon - 1)}));
    }
    return {};
  }

 private:
  static constexpr std::string_view bare_cr = "a CR that does not end a line";
  static constexpr std::string_view bad_character = "a header field has characters it cannot have";

  bool forgives() const { return reading_ == Reading::forgiving; }
  size_t offset(const char* at) const { return static_cast<size_t>(at - begin_); }
  tl::expected<void, FieldFault> refuse(std::string_view detail, const char* at) const {
    return tl::unexpected(FieldFault{Kind::malformed, detail, offset(at)});
  }
  void note(Deviation kind, const char* at) {
    deviations_.note(kind, [&] {
      const std::string_view text(begin_, static_cast<size_t>(end_ - begin_));
      return excerpt_of_line(text, offset(at), StartLine::none);
    });
  }

  bool next_line() {
    if (next_ == end_) return false;
    line_ = next_;
    auto* newline = static_cast<char*>(std::memchr(line_, '\n', static_cast<size_t>(end_ - line_)));
    if (!newline) return false;
    next_ = newline + 1;
    line_end_ = newline;
    if (newline != line_ && newline[-1] == '\r')
      --line_end_;
    else
      note(Deviation::line_feed, newline);
    return true;
  }

  // Joins the continuation lines of this field's value.
  tl::expected<void, FieldFault> unfold(std::string_view name) {
    while (forgives() && next_ != end_ && is_blank(*next_)) {
      if (is_framing(name)) return refuse("a folded field about framing (obs-fold)", next_);
      note(Deviation::folded_field, next_);
      char* const first = line_;
      char* const break_begin = line_end_;
      char* const break_end = next_;
      if (!next_line()) break;
      std::fill(break_begin, break_end, ' ');
      line_ = first;
    }
    return {};
  }

  char* const begin_;
  char* const end_;
  char* next_;
  char* line_ = nullptr;
  char* line_end_ = nullptr;  // end of the line, before its CR or LF
  const Reading reading_;
  Deviations& deviations_;
};

}  // namespace

tl::expected<void, FieldFault> read_fields(base::Chunk& section, size_t start, size_t fields_max,
                                           Reading reading, http::Headers& into, Deviations& deviations) {
  return Section(section, start, reading, deviations).read(fields_max, into);
}

}  // namespace postern::http1
