// Spans as OTLP over HTTP carries them: ExportTraceServiceRequest in the JSON form of OpenTelemetry's protocol 1.x.
#pragma once

#include <span>
#include <string>

#include "core/span.h"

namespace vodlift::telemetry {

// `host`: the machine that the spans are of. Texts may be anything; what is not UTF-8 is replaced.
std::string otlp_json(std::span<const Span> spans, const std::string& host);

}  // namespace vodlift::telemetry
