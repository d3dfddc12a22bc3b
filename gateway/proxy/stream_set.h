// The open long answers of one worker: event streams, and other responses without a length that have been
// open for a while. It counts them for the metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "telemetry/metrics.h"
#include "tunnel/drain_line.h"

namespace postern::proxy {

class StreamSet {
 public:
  // `drain_line` is the queue of event streams that must be closed.
  StreamSet(telemetry::Metrics& metrics, tunnel::DrainLine& drain_line)
      : metrics_(metrics), drain_line_(drain_line) {}
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;

  // Counts one open stream until it is destroyed. The set outlives it.
  class Open {
   public:
    Open(StreamSet& set, std::string_view route);
    ~Open();
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    StreamSet& set_;
    std::map<std::string, uint32_t, std::less<>>::iterator route_;
  };

  size_t size() const { return size_; }
  tunnel::DrainLine& drain_line() { return drain_line_; }
  // Updates the metrics of each route's open streams before they are read. They are not counted one by one,
  // since streams outlive the series of a route that is removed and added again.
  void count_open();

 private:
  telemetry::Metrics& metrics_;
  tunnel::DrainLine& drain_line_;
  std::map<std::string, uint32_t, std::less<>> open_;  // by route
  size_t size_ = 0;
};

}  // namespace postern::proxy
