// Helpers of `bucket check`: they send small requests, collect findings, and remove what was written.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bucket_doctor.h"
#include "s3/credential_cache.h"
#include "s3/s3_errors.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {

// The answer to one request, with the store's words where it refused.
struct ProbeAnswer {
  net::HttpResponse response;
  Failure failure;

  [[nodiscard]] bool good() const { return response.is_success(); }
};

// One thread. What it is built from must outlive it.
class BucketProbe {
 public:
  // The content of every object and part that is written.
  static constexpr std::string_view kContent =
      "Written by `vodlift bucket check` to see whether it may; can be deleted.\n";
  // Its MD5, as Content-MD5 has it.
  static std::string content_md5();

  BucketProbe(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock,
              const BucketAccess& access);

  // Blocks for 20 s at most. False, with a finding, where there are no credentials.
  bool find_credentials(CredentialCache& cache);
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }

  // The random key of what is written.
  [[nodiscard]] const std::string& key() const { return key_; }

  // Where requests are sent, and for which time they are signed. True when that is a change.
  [[nodiscard]] const std::string& region() const { return access_.region; }
  bool move_to_region(const std::string& region);
  bool set_clock_offset(std::chrono::seconds store_minus_ours);

  // Blocks, by default for 10 s at most. Errors: those of HttpClient; timeout, when the whole examination has taken 40
  // s.
  Result<ProbeAnswer> send(const S3Operation& operation, std::chrono::milliseconds patience = std::chrono::seconds(10));
  // HEAD of the object without a signature. Blocks and fails as send().
  Result<net::HttpResponse> head_anonymously();
  // Writes the object. clean_up() removes it.
  Result<ProbeAnswer> put(std::vector<std::pair<std::string, std::string>> headers);
  // Sends a Complete. clean_up() removes the object.
  Result<ProbeAnswer> complete(const S3Operation& operation, std::chrono::milliseconds patience);
  // Removes what was written, and adds a finding.
  void clean_up();

  void add(BucketFinding finding);
  void add(std::string topic, Finding finding, std::string message, std::string fix = "");
  // Adds a refusal in the store's words, with what to do about it. `permission`: what the key needs for the request.
  void add_failure(std::string topic, Finding finding, const Result<ProbeAnswer>& answer, std::string_view permission);
  [[nodiscard]] BucketReport& report() { return report_; }

 private:
  Result<net::HttpResponse> perform(net::HttpRequest request, std::chrono::milliseconds patience);

  net::HttpClient& client_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
  const BucketAccess configured_;
  const SteadyTime deadline_;
  const std::string key_;
  BucketAccess access_;  // with the bucket's region as far as it is known
  std::chrono::seconds clock_offset_{0};
  Credentials credentials_;
  std::vector<std::string> written_;  // versions of the object; empty where the bucket has no versions
  BucketReport report_;
};

}  // namespace vodlift::s3
