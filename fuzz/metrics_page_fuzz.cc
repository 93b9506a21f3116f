// A page of metrics as the command line reads it, and texts with URLs whose secrets are hidden.
#include "cli/doctor.h"
#include "cli/metrics_reader.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const vodlift::cli::MetricsReader page(text);
  for (const auto& sample : page.all("a"))
    require(page.value("a", sample.labels).has_value(), "a sample is found by its labels");
  const std::string safe = vodlift::cli::without_url_secrets(text);
  require(vodlift::cli::without_url_secrets(safe) == safe, "what is hidden stays as it is");
  return 0;
}
