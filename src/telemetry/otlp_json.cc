#include "telemetry/otlp_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace vodlift::telemetry {
namespace {

using boost::json::array;
using boost::json::object;

// Numbers of OTLP's enums.
constexpr int kInternalSpan = 1;
constexpr int kStatusOk = 1;
constexpr int kStatusError = 2;

constexpr std::size_t kMostTextBytes = 1024;

object attribute(std::string_view name, const Span::Value& value) {
  object json{{"key", name}};
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    json["value"] = object{{"intValue", std::to_string(*number)}};
  } else {
    json["value"] = object{{"stringValue", printable(std::get<std::string>(value), kMostTextBytes)}};
  }
  return json;
}

// As text: a JSON number has not enough digits.
std::string nanoseconds_of(WallTime time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

object span_json(const Span& span) {
  array attributes;
  for (const auto& [name, value] : span.attributes) attributes.push_back(attribute(name, value));
  object status{{"code", span.error.empty() ? kStatusOk : kStatusError}};
  if (!span.error.empty()) status["message"] = printable(span.error, kMostTextBytes);
  object json{{"traceId", span.trace.id},
              {"spanId", span.id},
              {"name", span.name},
              {"kind", kInternalSpan},
              {"startTimeUnixNano", nanoseconds_of(span.begin)},
              {"endTimeUnixNano", nanoseconds_of(span.end)},
              {"attributes", std::move(attributes)},
              {"status", std::move(status)}};
  if (!span.parent.empty()) json["parentSpanId"] = span.parent;
  return json;
}

}  // namespace

std::string otlp_json(std::span<const Span> spans, const std::string& host) {
  array list;
  list.reserve(spans.size());
  for (const Span& span : spans) list.push_back(span_json(span));
  object resource{
      {"attributes", array{attribute("service.name", std::string("vodlift")),
                           attribute("service.version", std::string(VODLIFT_VERSION)), attribute("host.name", host)}}};
  object of_scope{{"scope", object{{"name", "vodlift"}}}, {"spans", std::move(list)}};
  object of_resource{{"resource", std::move(resource)}, {"scopeSpans", array{std::move(of_scope)}}};
  return boost::json::serialize(object{{"resourceSpans", array{std::move(of_resource)}}});
}

}  // namespace vodlift::telemetry
