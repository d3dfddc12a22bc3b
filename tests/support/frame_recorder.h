// Walks the frames of one direction and records all events of the walker; the test decides what happens to
// each frame.
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

  // Decides what happens to each frame; null: every frame passes on.
  std::function<Pass(const websocket::FrameHeader&)> decide;

  std::string passed;
  std::vector<websocket::FrameHeader> frames;
  std::vector<std::pair<int, std::string>> controls;  // opcode, payload
  std::vector<std::string> payloads;                  // of complete frames that `decide` takes; unmasked
  std::string payload;                                // of the frame that is not complete

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
