// A receiver that takes one word of each delivery, pauses, and puts back the rest, like a receiver that must
// wait in the middle of a delivery.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "net/transport.h"

namespace postern::support {

struct WordByWord final : net::Transport::Receiver {
  explicit WordByWord(std::unique_ptr<net::Transport> the_transport) : transport(std::move(the_transport)) {
    transport->start(*this);
  }
  void on_bytes(base::Bytes bytes) override {
    const std::string_view text = base::text_of(bytes);
    if (text.empty()) return transport->pause();
    const size_t word = std::min(text.find(' '), text.size() - 1) + 1;
    words += std::string(text.substr(0, word)) + "|";
    transport->pause();
    transport->unread(base::Chunk::copy_of(text.substr(word)));
  }
  void on_drained() override {}
  void on_end() override { words += "end"; }
  void on_closed(base::Error) override { words += "broken"; }

  std::unique_ptr<net::Transport> transport;
  std::string words;
};

}  // namespace postern::support
