#include "core/bucket_doctor.h"

#include <algorithm>

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<Finding> kFindings = {{Finding::ok, "ok"}, {Finding::warn, "warn"}, {Finding::fail, "FAIL"}};

}  // namespace

std::string_view to_string(Finding finding) { return kFindings.word(finding); }

Finding BucketReport::worst() const {
  Finding worst = Finding::ok;
  for (const BucketFinding& one : findings) worst = std::max(worst, one.finding);
  return worst;
}

}  // namespace vodlift
