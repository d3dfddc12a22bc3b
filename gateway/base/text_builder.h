// Builds text in one growing buffer: heads, log lines, JSON. It uses no streams and no locale, and throws
// nothing except what allocation throws. clear() keeps the memory, so that a reused builder stops allocating.
// For one thread only.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace postern::base {

class TextBuilder {
 public:
  TextBuilder() = default;
  explicit TextBuilder(size_t capacity) { grow(capacity); }
  TextBuilder(TextBuilder&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  TextBuilder& operator=(TextBuilder&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // The text appended so far. Valid until the next change.
  std::string_view view() const { return {buffer_.get(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  void clear() { size_ = 0; }
  void truncate(size_t size) { size_ = size; }  // at most size()

  TextBuilder& append(std::string_view text) {
    if (!text.empty()) std::memcpy(claim(text.size()), text.data(), text.size());
    return *this;
  }
  TextBuilder& append(char c) {
    *claim(1) = c;
    return *this;
  }
  TextBuilder& append(size_t count, char c);  // appends `c` `count` times

  // Appends decimal digits, with a minus sign where needed.
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) TextBuilder& append_number(T value) {
    if constexpr (std::signed_integral<T>)
      return append_signed(value);
    else
      return append_unsigned(value);
  }
  // Appends at least `width` (at most 20) digits, padded with zeros on the left.
  TextBuilder& append_zero_filled(uint64_t value, size_t width);

  // Appends exactly `decimals` (0 to 9) digits after the point, rounded to nearest, halves away from zero;
  // never "-0". A value that is not finite becomes `null`, as JSON has no other word for it.
  TextBuilder& append_fixed(double value, int decimals);
  // Appends the shortest digits that read back as the same double; `null` when it is not finite.
  TextBuilder& append_shortest(double value);

  // Appends a JSON string (RFC 8259) in quotes. Beyond what JSON requires, DEL, C1 controls, line separators
  // and bidirectional controls are escaped too, so that no value can move the cursor or reorder the text on a
  // reader's screen. Each ill-formed piece of UTF-8 becomes \ufffd, so the result is always well-formed.
  TextBuilder& append_json_string(std::string_view text);
  // The same without the quotes.
  TextBuilder& append_json_escaped(std::string_view text);
  // Appends a word for lines that people read: bare if it is printable ASCII without space, quote and
  // backslash, else as a JSON string. The empty text becomes `""`.
  TextBuilder& append_word(std::string_view text);

 private:
  // Makes the text longer by `count` bytes and returns the position where they go.
  char* claim(size_t count) {
    if (capacity_ - size_ < count) grow(count);
    char* at = buffer_.get() + size_;
    size_ += count;
    return at;
  }
  void grow(size_t count);
  TextBuilder& append_signed(int64_t value);
  TextBuilder& append_unsigned(uint64_t value);

  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace postern::base
