// Port: what tells a tracing system how long each step of an upload took.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "core/trace.h"

namespace vodlift {

// One step, from its begin to its end.
struct Span {
  using Value = std::variant<std::int64_t, std::string>;

  Trace trace{};
  std::string id{};      // 16 hex digits, see span_id()
  std::string parent{};  // the step that it is part of; empty: the first of its trace
  std::string name{};    // "upload", "attempt", "part"
  WallTime begin{};
  WallTime end{};
  std::string error{};                                           // empty: it succeeded
  std::vector<std::pair<std::string_view, Value>> attributes{};  // names are literals: "vodlift.upload"
};

class SpanSink {
 public:
  SpanSink() = default;
  SpanSink(const SpanSink&) = delete;
  SpanSink& operator=(const SpanSink&) = delete;
  virtual ~SpanSink() = default;

  // Whether spans are wanted at present. Any thread; never blocks.
  [[nodiscard]] virtual bool wanted() const { return true; }

  // Takes a span that is wanted (Trace::sampled). Any thread; never blocks: what there is no room for is dropped.
  virtual void add(Span span) = 0;
};

}  // namespace vodlift
