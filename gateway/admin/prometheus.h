// Writes the sum of all workers' numbers in Prometheus' text format, version 0.0.4.
#pragma once

#include <string>

#include "telemetry/metrics.h"

namespace postern::admin {

inline constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

std::string prometheus_text(const telemetry::Totals& totals);

}  // namespace postern::admin
