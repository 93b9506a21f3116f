// Signed aws.upload calls, as the legacy clients send them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vodlift::bench {

enum class Form { multipart, urlencoded };

struct LoadSettings {
  std::string host;  // "127.0.0.1:8080"
  std::string api_key;
  std::string secret;
  std::int64_t cdn = 0;
  std::string bucket;
  std::string path;         // `{n}` stands for the call's number, six digits at least
  std::string destination;  // likewise
  Form form = Form::multipart;
};

// Makes calls that differ in their number only. Immutable.
class LoadRequests {
 public:
  explicit LoadRequests(LoadSettings settings);

  // The whole HTTP request number `n`, signed at `unix_seconds`.
  [[nodiscard]] std::string http_request(std::int64_t n, std::int64_t unix_seconds) const;
  // Its JSON, signature included.
  [[nodiscard]] std::string signed_json(std::int64_t n, std::int64_t unix_seconds) const;

 private:
  LoadSettings settings_;
  std::string quoted_key_, quoted_bucket_, quoted_path_, quoted_destination_;  // as JSON strings
};

}  // namespace vodlift::bench
