// Reads the page that monitoring systems read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vodlift::cli {

// One page in Prometheus' text format. Immutable: any thread.
class MetricsReader {
 public:
  using Labels = std::map<std::string, std::string>;
  struct Sample {
    std::string name;
    Labels labels;
    double value = 0;
  };

  // Lines that cannot be read are left out.
  explicit MetricsReader(std::string_view page);

  [[nodiscard]] bool empty() const { return samples_.empty(); }
  // All samples of that name, in the page's order.
  [[nodiscard]] std::vector<Sample> all(std::string_view name) const;
  // The first sample of that name and with these labels, whatever others it has.
  [[nodiscard]] std::optional<double> value(std::string_view name, const Labels& labels = {}) const;

 private:
  std::vector<Sample> samples_;
};

}  // namespace vodlift::cli
