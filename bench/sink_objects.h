// Just enough of S3 for a client to believe that its object was stored.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http_head.h"

namespace vodlift::bench {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct SinkRequest {
  std::string method;
  std::string path;   // percent-encoded as it came: "/bucket/key"
  std::string query;  // without '?'
  HttpHead head;
  std::int64_t body_bytes = 0;  // without chunk framing
  std::int64_t arrived_ns = 0;  // when its head was whole, by CLOCK_MONOTONIC
};

struct SinkResponse {
  int status = 200;
  HeaderList headers = {};
  std::string body = {};
  std::int64_t content_length = -1;  // of a HEAD answer; -1: body.size()
};

// Remembers of each object its size, ETag, headers and when its request came (HEAD: x-sink-arrived-ns), and of each
// open multipart upload the sizes of its parts. A POST below /callbacks/ is kept like an object. A PUT below /poison/
// is answered 500. Checksums are echoed, also those behind a body, never computed; signatures are not looked at. One
// thread. Memory is bounded: the oldest objects and multipart uploads are forgotten beyond the limits.
class SinkObjects {
 public:
  static constexpr std::size_t kMaxObjects = 200000;
  static constexpr std::size_t kMaxMultiparts = 20000;
  static constexpr int kMaxParts = 10000;

  // What S3 would answer; also /_sink/stats and /_sink/reset, for the benchmark.
  SinkResponse answer(const SinkRequest& request);

 private:
  struct Object {
    std::int64_t size = 0;
    std::string etag = {};
    HeaderList headers = {};  // x-amz-meta-*, content-type and the checksum, answered by HEAD
    std::int64_t arrived_ns = 0;
  };
  struct Multipart {
    std::string path;
    HeaderList headers;
    std::map<int, std::int64_t> part_sizes;
  };

  SinkResponse answer_bucket(const SinkRequest& request);
  SinkResponse put_object(const SinkRequest& request);
  SinkResponse head_object(const SinkRequest& request) const;
  SinkResponse create_multipart(const SinkRequest& request);
  SinkResponse put_part(const SinkRequest& request, const std::string& upload_id);
  SinkResponse complete_multipart(const SinkRequest& request, const std::string& upload_id);
  SinkResponse remove(const SinkRequest& request);
  [[nodiscard]] SinkResponse stats() const;
  void store(const std::string& path, Object object);
  std::string next_etag(const SinkRequest& request);

  std::unordered_map<std::string, Object> objects_;
  std::unordered_map<std::string, Multipart> multiparts_;
  std::deque<std::string> object_order_;  // oldest first
  std::deque<std::string> multipart_order_;
  std::int64_t object_bytes_ = 0;
  std::int64_t body_bytes_ = 0;
  std::int64_t requests_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace vodlift::bench
