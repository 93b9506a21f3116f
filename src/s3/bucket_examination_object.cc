// What the examination tries on the object it has written: reading, overwriting, making public.
#include <fmt/format.h>

#include "base/encoding.h"
#include "s3/bucket_examination.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {

void BucketExamination::read_back() {
  auto answer =
      send({"HEAD", key_, {}, {{std::string(kAskForChecksum.first), std::string(kAskForChecksum.second)}}, ""});
  if (answer && may_refuse_checksum_mode(answer->response)) answer = send({"HEAD", key_, {}, {}, ""});
  if (!answer || !answer->good()) return tell_failure("read", Finding::fail, answer, "s3:GetObject (for HEAD)");
  if (answer->response.header("content-length") != std::to_string(kProbe.size())) {
    return tell("read", Finding::fail, "HEAD tells another size than was written",
                "the store is not one whose uploads could be confirmed");
  }
  tell("read", Finding::ok, "HEAD confirms what was written");
}

void BucketExamination::overwrite() {
  const auto answer = put(key_, {{"if-none-match", "*"}});
  constexpr std::string_view kFix = "nothing to do: uploads overwrite, as the last one to an object should";
  if (!answer) return tell_failure("overwrite", Finding::warn, answer, "");
  if (answer->response.status == 412) {
    return tell("overwrite", Finding::ok, "the store can refuse to overwrite (If-None-Match)");
  }
  if (answer->good()) {
    return tell("overwrite", Finding::warn, "the store takes no notice of If-None-Match: it overwrites all the same",
                std::string(kFix));
  }
  tell("overwrite", Finding::warn,
       fmt::format("the store cannot refuse to overwrite (If-None-Match: {} {})", answer->failure.status,
                   answer->failure.code),
       std::string(kFix));
}

// Nothing where the key may not ask or the store knows no such thing; uploads do not need it.
std::string BucketExamination::ownership() {
  const auto answer = send({"GET", "", {{"ownershipControls", ""}}, {}, ""});
  if (!answer || !answer->good()) return "";
  return parse_object_ownership(answer->response.body).value_or("");
}

void BucketExamination::public_acl() {
  const auto answer = put(key_, {{"x-amz-acl", "public-read"}});
  std::string mode = ownership();
  if (!answer) return tell_failure("acl", Finding::warn, answer, "");
  if (answer->failure.code == "AccessControlListNotSupported" && mode.empty()) mode = "BucketOwnerEnforced";
  const std::string about = mode.empty() ? "" : fmt::format(" (object ownership: {})", printable(mode, 64));
  if (answer->good()) return tell("acl", Finding::ok, "acl=public-read is taken" + about);
  const bool falls_back = configured_.acl_policy == AclPolicy::private_acl;
  const std::string_view meanwhile =
      falls_back ? "such uploads are made private, as --acl-policy says" : "uploads with acl=public-read will fail";
  std::string fix = "send acl=private and open the objects by a bucket policy or a CDN";
  if (!falls_back) fix += ", or have them made private (`vodlift bucket add --acl-policy private`)";
  fix += answer->failure.code == "AccessControlListNotSupported"
             ? "; or enable ACLs (Object Ownership: Bucket owner preferred)"
             : "; or allow s3:PutObjectAcl and switch off Block Public Access for ACLs";
  tell("acl", Finding::warn,
       fmt::format("acl=public-read is refused: {} {}{}; {}", answer->failure.status, answer->failure.code, about,
                   meanwhile),
       std::move(fix));
}

}  // namespace vodlift::s3
