// The manifest of a backup: one that is taken reads back as it is written.
#include <boost/json/serialize.hpp>

#include "core/backup.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = vodlift::parse_manifest(vodlift::fuzz::text_of(data, size));
  if (!manifest) return 0;
  const auto again = vodlift::parse_manifest(boost::json::serialize(to_json(*manifest)));
  require(again && *again == *manifest, "a manifest reads back as itself");
  return 0;
}
