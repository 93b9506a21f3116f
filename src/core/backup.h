// Port: backups of the database while the server runs. And what is told of a backup and of a restore.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

// What the manifest of a backup, FILE.manifest.json, says of it.
struct BackupManifest {
  std::string file;  // the name of the backup, without its folder
  std::int64_t bytes = 0;
  std::string sha256;    // of the backup: 64 hexadecimal digits
  WallTime created;      // the backup has all that was acknowledged before; whole seconds in JSON
  std::string version;   // of the program that made it
  int schema = 0;        // the last step of its schema
  UploadId last_id = 0;  // the highest id that it knows to be given; 0: none
  std::array<std::int64_t, Words<UploadState>::kCount> uploads{};  // by the state's number
  std::int64_t accounts = 0;
  std::int64_t keys = 0;
  std::int64_t buckets = 0;
  std::string master_key;  // the fingerprint of the key that opens its secrets; empty: it has none

  [[nodiscard]] std::int64_t all_uploads() const;

  bool operator==(const BackupManifest&) const = default;
};

boost::json::object to_json(const BackupManifest& manifest);

// The inverse; members that it does not know are ignored. Errors: invalid_value (what is wrong; also the format of a
// later version).
Result<BackupManifest> parse_manifest(std::string_view text);

inline constexpr std::size_t kMaxManifestBytes = 65536;

// "FILE.manifest.json".
std::filesystem::path manifest_of(const std::filesystem::path& backup);

// "FILE.previous": the name that a backup has, with its manifest, while another takes its place.
std::filesystem::path previous_of(const std::filesystem::path& backup);

struct BackupRequest {
  std::filesystem::path file;
  bool replace = false;  // an earlier backup of that name
};

class Backups {
 public:
  Backups() = default;
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;
  virtual ~Backups() = default;

  using Done = std::function<void(Result<BackupManifest>)>;

  // Copies the database as it is now, checks the copy, and writes it with its manifest: both, or neither. Takes minutes
  // for a large database. Any thread; `done` is called once, from another one or here. Errors: wrong_state (a backup is
  // under way), invalid_value (the name), already_exists, not_found (the folder), io_error (such as a full disk),
  // overloaded (given up, for it took too long or the database's log grew too much), store_corrupt (the copy is
  // damaged), store_failed, shutting_down.
  virtual void make(BackupRequest request, Done done) = 0;
};

struct RestoreRequest {
  std::filesystem::path backup;
  std::filesystem::path config;
  bool replace = false;    // a database that is there is moved aside
  UploadId ids_above = 0;  // no upload gets an id up to this one
};

struct RestoreReport {
  BackupManifest manifest;
  std::filesystem::path database;
  std::filesystem::path aside;  // the database that was there before; empty: none was
  UploadId next_id = 0;         // no upload gets a lower one
  bool knows_ids = false;       // no id that was given after the backup is given again
};

}  // namespace vodlift
