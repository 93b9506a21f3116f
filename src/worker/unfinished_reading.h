// How far a run has read a source or an object that must be read as a whole. The next run of the upload in this process
// goes on from there, so that an upload that yields to others gets through in the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "base/hash.h"
#include "core/storage.h"

namespace vodlift::worker {

// Movable; one thread.
struct UnfinishedReading {
  // A digest of the source's first `offset` bytes.
  struct OfSource {
    SourceIdentity source{};
    std::int64_t offset = 0;
    std::variant<std::monostate, std::unique_ptr<Md5>, std::unique_ptr<Sha256>> digest{};
  };
  // The CRC32C of the first `offset` bytes of the object with this ETag.
  struct OfObject {
    std::string etag{};
    std::int64_t offset = 0;
    std::uint32_t crc32c = 0;
  };

  OfSource source{};
  OfObject object{};
  bool advanced = false;  // by this run

  [[nodiscard]] bool any() const { return source.offset > 0 || object.offset > 0; }
};

}  // namespace vodlift::worker
