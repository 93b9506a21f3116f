#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/encoding.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxLabelBytes = 256;

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  out += name;
  out += "=\"";
  for (const char c : printable(value, kMaxLabelBytes)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

void Histogram::observe(double value) noexcept {
  const auto at = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[static_cast<std::size_t>(at)].add();
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void MetricsText::family(std::string_view name, std::string_view kind, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, kind, help);
}

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value) {
  text_ += name_;
  text_ += suffix;
  if (labels.size() > 0 || !bound.empty()) {
    text_ += '{';
    for (const auto& [name, text] : labels) append_label(text_, name, text);
    if (!bound.empty()) append_label(text_, "le", bound);
    text_ += '}';
  }
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void MetricsText::sample(std::int64_t value, Labels labels) { line("", labels, "", std::to_string(value)); }

void MetricsText::sample(double value, Labels labels) { line("", labels, "", fmt::format("{}", value)); }

void MetricsText::sample(const Histogram& histogram, Labels labels) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < histogram.bounds().size(); ++at) {
    count += histogram.count(at);
    line("_bucket", labels, fmt::format("{}", histogram.bounds()[at]), std::to_string(count));
  }
  count += histogram.count(histogram.bounds().size());
  line("_bucket", labels, "+Inf", std::to_string(count));
  line("_sum", labels, "", fmt::format("{}", histogram.sum()));
  line("_count", labels, "", std::to_string(count));
}

}  // namespace vodlift
