// The long answers of one worker that are open: event streams, and other answers without a length that have
// been open for a while. It knows how many there are, for the numbers and for who looks at them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "proxy/drain_line.h"
#include "telemetry/metrics.h"

namespace postern::proxy {

class StreamSet {
 public:
  // `leaving` is where event streams stand that must leave.
  StreamSet(telemetry::Metrics& metrics, DrainLine& drain_line)
      : metrics_(metrics), drain_line_(drain_line) {}
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;

  // One that is open, until this is destroyed. The set outlives it.
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
  DrainLine& drain_line() { return drain_line_; }
  // Brings what the metrics say of each route's open streams up to date, for who reads them now: streams
  // outlive the series of a route that goes and comes again.
  void count_open();

 private:
  telemetry::Metrics& metrics_;
  DrainLine& drain_line_;
  std::map<std::string, uint32_t, std::less<>> open_;  // by route
  size_t size_ = 0;
};

}  // namespace postern::proxy
