// One run of the bucket doctor.
#pragma once

#include "core/bucket_doctor.h"
#include "s3/credential_cache.h"
#include "s3/learned.h"
#include "s3/s3_errors.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {

// One thread; run() once. Read run() first, then a file for each group of findings: bucket_examination_write.cc,
// _object.cc, _multipart.cc.
class BucketExamination {
 public:
  BucketExamination(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment,
                    const Clock& clock, const BucketAccess& access, Learned& learned);

  BucketReport run();

 private:
  static constexpr std::string_view kProbe =
      "Written by `vodlift bucket check` to see whether it may; can be deleted.\n";
  // As Content-MD5 has it.
  static std::string probe_md5();

  // What came of one request: an answer, with S3's words for a refusal.
  struct Answer {
    net::HttpResponse response;
    Failure failure;
    [[nodiscard]] bool good() const { return response.is_success(); }
  };

  bool find_credentials();
  bool write();
  bool correct(const Answer& answer);
  bool tell_refused_write(const Answer& answer);
  void look_at_clock(const Answer& answer);
  void tell_region();
  void tell_encryption(const Answer& answer);
  void read_back();
  void overwrite();
  void public_acl();
  std::string ownership();
  void multipart();
  Result<Answer> begin_multipart();
  void examine_multipart(const std::string& id);
  void try_wrong_checksum(const std::string& id);
  void try_trailing_checksum(const std::string& id);
  Result<Answer> send_trailing(std::string_view number, const std::string& id, std::uint32_t crc32c);
  void tell_checksums();
  void clean_up();

  Result<Answer> send(const S3Operation& operation);
  // A PUT of the probe; where it succeeds, clean_up() knows.
  Result<Answer> put(const std::string& key, std::vector<std::pair<std::string, std::string>> headers);
  void tell(std::string topic, Finding finding, std::string message, std::string fix = "");
  // A refusal in S3's words, with the fix; of a missing permission it takes note.
  void tell_failure(std::string topic, Finding finding, const Result<Answer>& answer, std::string_view permission);

  net::HttpClient& client_;
  CredentialCache& cache_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
  Learned& learned_;
  const BucketAccess configured_;
  const std::chrono::steady_clock::time_point deadline_;
  const std::string key_;

  BucketAccess access_;  // where the bucket really is, as far as known by now
  std::chrono::seconds offset_{0};
  Credentials credentials_;
  Checksums checksums_;
  bool md5_etags_ = false;  // an object's ETag is its MD5
  bool clock_told_ = false;
  std::vector<std::pair<std::string, std::string>> written_;  // key and version
  BucketReport report_;
};

}  // namespace vodlift::s3
