// Walks over one direction and remembers all that the walker said; decides as it is told to.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "websocket/frame_walker.h"

namespace postern::support {

struct FrameRecorder final : websocket::FrameWalker::Visitor {
  using Pass = websocket::FrameWalker::Pass;

  // Null: everything goes on.
  std::function<Pass(const websocket::FrameHeader&)> decide;

  std::string passed;
  std::vector<websocket::FrameHeader> frames;
  std::vector<std::pair<int, std::string>> controls;  // opcode, payload
  std::vector<std::string> payloads;                  // of taken frames that are whole, unmasked
  std::string payload;                                // of the one that is not

  Pass on_frame(const websocket::FrameHeader& header) override {
    frames.push_back(header);
    return decide ? decide(header) : Pass::on;
  }
  Pass on_control(const websocket::FrameHeader& header, std::string_view text) override {
    controls.emplace_back(header.opcode, text);
    return decide ? decide(header) : Pass::on;
  }
  void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset,
                  bool end) override {
    base::check(offset == payload.size(), "pieces come one after the other");
    payload += base::text_of(piece);
    if (!end) return;
    if (header.masked)
      websocket::apply_mask(std::as_writable_bytes(std::span(payload.data(), payload.size())), header.mask,
                            0);
    payloads.push_back(std::exchange(payload, {}));
  }
  void on_passed(base::Bytes bytes) override { passed += base::text_of(bytes); }
};

}  // namespace postern::support
