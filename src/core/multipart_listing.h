// What a store lists of multipart uploads: their parts, and which are open.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace vodlift {

struct ListedPart {
  int number = 0;
  std::int64_t size = 0;
  std::string etag;
  std::string checksum;  // base64 CRC32C; empty: none kept
};

// An open multipart upload as the store lists it, whoever opened it.
struct ListedMultipart {
  std::string id;
  std::optional<WallTime> initiated;  // by the store's clock; nothing: it cannot be told
  std::string initiator;              // the principal's id; empty: the store tells none
};

struct MultipartListing {
  std::vector<ListedMultipart> uploads;
  std::chrono::milliseconds store_ahead{0};  // the store's clock less ours, to the second
};

}  // namespace vodlift
