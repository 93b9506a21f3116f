#include "core/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <limits>
#include <numeric>
#include <optional>

#include "base/encoding.h"

namespace vodlift {
namespace {

using boost::json::object;
using boost::json::value;

constexpr int kManifestFormat = 1;
constexpr std::size_t kMostNameBytes = 4096;
constexpr std::int64_t kLatestSecond = 253'402'300'799;  // 9999-12-31

Error no_manifest(std::string_view why) {
  return {Errc::invalid_value, fmt::format("this is no manifest of a backup: {}", why)};
}

// Reads members of an object; the first one that is not as it must be is kept.
class ManifestReader {
 public:
  explicit ManifestReader(const object& from) : from_(from) {}

  std::int64_t number(std::string_view name, std::int64_t high = std::numeric_limits<std::int64_t>::max()) {
    const value* found = from_.if_contains(name);
    const std::int64_t* read = found == nullptr ? nullptr : found->if_int64();
    if (read != nullptr && *read >= 0 && *read <= high) return *read;
    fault(name);
    return 0;
  }
  std::string text(std::string_view name) {
    const value* found = from_.if_contains(name);
    const boost::json::string* read = found == nullptr ? nullptr : found->if_string();
    if (read != nullptr && read->size() <= kMostNameBytes) return {read->data(), read->size()};
    fault(name);
    return {};
  }
  object part(std::string_view name) {
    const value* found = from_.if_contains(name);
    const object* read = found == nullptr ? nullptr : found->if_object();
    if (read != nullptr) return *read;
    fault(name);
    return {};
  }
  void fault(std::string_view name) {
    if (!fault_) fault_ = no_manifest(fmt::format("{} is missing, or not what it must be", name));
  }
  [[nodiscard]] const std::optional<Error>& fault() const { return fault_; }

 private:
  const object& from_;
  std::optional<Error> fault_;
};

bool is_sha256(std::string_view text) {
  return text.size() == 2 * sizeof(std::array<std::uint8_t, 32>) && from_hex(text).has_value();
}

}  // namespace

std::int64_t BackupManifest::all_uploads() const {
  return std::accumulate(uploads.begin(), uploads.end(), std::int64_t{0});
}

boost::json::object to_json(const BackupManifest& manifest) {
  object uploads;
  for (std::size_t at = 0; at < manifest.uploads.size(); ++at) {
    uploads[to_string(static_cast<UploadState>(at))] = manifest.uploads[at];
  }
  const bool needed = !manifest.master_key.empty();
  object key{{"needed", needed}, {"fingerprint", needed ? value(manifest.master_key) : value()}};
  return {{"format", kManifestFormat},
          {"file", manifest.file},
          {"bytes", manifest.bytes},
          {"sha256", manifest.sha256},
          {"created", to_unix_seconds(manifest.created)},
          {"version", manifest.version},
          {"schema", manifest.schema},
          {"last_id", manifest.last_id},
          {"uploads", std::move(uploads)},
          {"accounts", manifest.accounts},
          {"keys", manifest.keys},
          {"buckets", manifest.buckets},
          {"master_key", std::move(key)}};
}

Result<BackupManifest> parse_manifest(std::string_view text) {
  boost::system::error_code broken;
  const value parsed = boost::json::parse(text, broken);
  if (broken || !parsed.is_object()) return no_manifest("it is no JSON object");
  ManifestReader reader(parsed.get_object());
  if (reader.number("format") != kManifestFormat && !reader.fault()) {
    return no_manifest("its format is another one; use the version of vodlift that made it, or a later one");
  }
  BackupManifest manifest;
  manifest.file = reader.text("file");
  manifest.bytes = reader.number("bytes");
  manifest.sha256 = reader.text("sha256");
  if (!is_sha256(manifest.sha256)) reader.fault("sha256");
  manifest.created = from_unix_ms(reader.number("created", kLatestSecond) * 1000);
  manifest.version = reader.text("version");
  manifest.schema = static_cast<int>(reader.number("schema", std::numeric_limits<int>::max()));
  manifest.last_id = reader.number("last_id");
  manifest.accounts = reader.number("accounts");
  manifest.keys = reader.number("keys");
  manifest.buckets = reader.number("buckets");
  const object uploads = reader.part("uploads");
  ManifestReader counts(uploads);
  // A sum of them stays a number.
  constexpr auto kMostUploads = std::numeric_limits<std::int64_t>::max() / 16;
  for (std::size_t at = 0; at < manifest.uploads.size(); ++at) {
    manifest.uploads[at] = counts.number(to_string(static_cast<UploadState>(at)), kMostUploads);
  }
  const object key = reader.part("master_key");
  ManifestReader about_key(key);
  if (const value* needed = key.if_contains("needed"); needed != nullptr && needed->is_bool()) {
    if (needed->get_bool()) manifest.master_key = about_key.text("fingerprint");
    if (needed->get_bool() && manifest.master_key.empty()) about_key.fault("fingerprint");
  } else {
    about_key.fault("needed");
  }
  for (const ManifestReader* one : {&reader, &counts, &about_key}) {
    if (one->fault()) return *one->fault();
  }
  return manifest;
}

std::filesystem::path previous_of(const std::filesystem::path& backup) { return backup.string() + ".previous"; }

std::filesystem::path manifest_of(const std::filesystem::path& backup) { return backup.string() + ".manifest.json"; }

}  // namespace vodlift
