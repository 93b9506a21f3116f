#include "cli/metrics_reader.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace vodlift::cli {
namespace {

// Takes `name="value",` or `name="value"}` off the front of `rest`. False: it is not that.
bool take_label(std::string_view& rest, MetricsReader::Labels& labels) {
  const std::size_t equals = rest.find("=\"");
  if (equals == std::string_view::npos) return false;
  const std::string name(rest.substr(0, equals));
  rest.remove_prefix(equals + 2);
  std::string value;
  while (!rest.empty() && rest.front() != '"') {
    const bool escaped = rest.front() == '\\' && rest.size() > 1;
    const char c = rest[escaped ? 1 : 0];
    value += escaped && c == 'n' ? '\n' : c;
    rest.remove_prefix(escaped ? 2 : 1);
  }
  if (rest.size() < 2) return false;
  rest.remove_prefix(1);
  if (rest.front() == ',') rest.remove_prefix(1);
  labels[name] = std::move(value);
  return true;
}

std::optional<MetricsReader::Sample> read_sample(std::string_view line) {
  MetricsReader::Sample sample;
  const std::size_t end = line.find_first_of("{ ");
  if (line.starts_with('#') || end == 0 || end == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, end);
  const bool has_labels = line[end] == '{';
  line.remove_prefix(end + 1);
  if (has_labels) {
    while (!line.empty() && line.front() != '}') {
      if (!take_label(line, sample.labels)) return std::nullopt;
    }
    if (line.empty()) return std::nullopt;
    line.remove_prefix(1);
  }
  line = trimmed(line);
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), sample.value);
  if (error != std::errc() || stop != line.data() + line.size()) return std::nullopt;
  return sample;
}

}  // namespace

MetricsReader::MetricsReader(std::string_view page) {
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    if (auto sample = read_sample(page.substr(0, end))) samples_.push_back(std::move(*sample));
    page.remove_prefix(std::min(end + 1, page.size()));
  }
}

std::vector<MetricsReader::Sample> MetricsReader::all(std::string_view name) const {
  std::vector<Sample> found;
  for (const Sample& one : samples_) {
    if (one.name == name) found.push_back(one);
  }
  return found;
}

std::optional<double> MetricsReader::value(std::string_view name, const Labels& labels) const {
  const auto fits = [&](const Sample& one) {
    return one.name == name && std::ranges::all_of(labels, [&](const auto& label) {
             const auto at = one.labels.find(label.first);
             return at != one.labels.end() && at->second == label.second;
           });
  };
  const auto found = std::ranges::find_if(samples_, fits);
  return found == samples_.end() ? std::nullopt : std::optional(found->value);
}

}  // namespace vodlift::cli
