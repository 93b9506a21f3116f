#include "s3/s3_bucket_doctor.h"

#include "s3/bucket_examination.h"

namespace vodlift::s3 {

BucketReport S3BucketDoctor::check(const BucketAccess& access) {
  struct Turn {
    std::atomic<int>& running;
    ~Turn() { --running; }
  };
  const bool too_many = ++running_ > kMaxChecks;
  const Turn turn{running_};
  if (too_many) {
    BucketReport busy;
    busy.findings.push_back({"busy", Finding::fail, "other checks are running", "try again in a minute"});
    return busy;
  }
  return BucketExamination(client_, credentials_, environment_, clock_, access, learned_).run();
}

}  // namespace vodlift::s3
