// The multipart upload of the examination, and which checksums the store keeps.
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "s3/bucket_examination.h"
#include "s3/object_headers.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"
#include "s3/trailing_body.h"

namespace vodlift::s3 {

// With the strongest checksum that is taken.
Result<BucketExamination::Answer> BucketExamination::begin_multipart() {
  Result<Answer> answer = Error{};
  for (const ChecksumMode offer : {ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    S3Operation create{"POST", key_, {{"uploads", ""}}, {{"content-type", "text/plain"}}, ""};
    for (auto& header : encryption_headers(configured_.encryption)) create.headers.push_back(std::move(header));
    for (auto& header : checksum_offer(offer)) create.headers.push_back(std::move(header));
    answer = send(create);
    if (!answer || !may_refuse_checksums(answer->response)) break;
  }
  return answer;
}

void BucketExamination::multipart() {
  const auto created = begin_multipart();
  if (!created || !created->good()) return tell_failure("multipart", Finding::fail, created, "s3:PutObject");
  const auto id = parse_upload_id(created->response.body);
  if (!id) {
    return tell("multipart", Finding::fail, "the answer to CreateMultipartUpload has no UploadId",
                "the endpoint does not speak S3");
  }
  checksums_.multipart = checksum_taken(created->response);
  examine_multipart(*id);
}

void BucketExamination::examine_multipart(const std::string& id) {
  S3Operation part{"PUT", key_, {{"partNumber", "1"}, {"uploadId", id}}, {}, std::string(kProbe)};
  if (checksums_.multipart == ChecksumMode::md5) {
    part.headers.emplace_back("content-md5", probe_md5());
  } else {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(kProbe))));
  }
  const std::size_t before = report_.findings.size();
  const auto sent = send(part);
  if (!sent || !sent->good()) tell_failure("multipart", Finding::fail, sent, "s3:PutObject");
  const bool dropped = sent && sent->good() && sent->response.header(kCrcHeader).empty();
  if (dropped) checksums_.multipart = ChecksumMode::md5;
  const auto listed = send({"GET", key_, {{"uploadId", id}}, {}, ""});
  const auto page = listed && listed->good() ? parse_parts(listed->response.body) : std::nullopt;
  if (!listed || !listed->good()) {
    tell_failure("multipart", Finding::fail, listed, "s3:ListMultipartUploadParts");
  } else if (!page || (sent && sent->good() && page->parts.size() != 1)) {
    tell("multipart", Finding::fail, "ListParts does not show the part that was sent",
         "the store cannot go on with an upload after a restart");
  }
  try_wrong_checksum(id);
  if (checksums_.multipart != ChecksumMode::md5) try_trailing_checksum(id);
  const auto aborted = send({"DELETE", key_, {{"uploadId", id}}, {}, ""});
  if (!aborted || !aborted->good()) {
    tell_failure("multipart", Finding::fail, aborted, "s3:AbortMultipartUpload");
    report_.findings.back().message +=
        fmt::format("; the multipart upload {} of {} is still open", printable(id), key_);
  }
  if (report_.findings.size() == before) tell("multipart", Finding::ok, "begun, a part sent and listed, aborted");
}

// A store that takes no notice of a wrong checksum confirms nothing by taking a right one.
void BucketExamination::try_wrong_checksum(const std::string& id) {
  const bool crc = checksums_.multipart != ChecksumMode::md5;
  const Md5Digest of_nothing = md5({});
  S3Operation part{"PUT", key_, {{"partNumber", "2"}, {"uploadId", id}}, {}, std::string(kProbe)};
  if (crc) {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(0));
  } else {
    part.headers.emplace_back("content-md5", to_base64({of_nothing.data(), of_nothing.size()}));
  }
  const auto answer = send(part);
  if (!answer) return;
  const bool refused = classify(answer->failure.status, answer->failure.code) == Errc::s3_integrity;
  if (!refused && !answer->good()) return;
  if (!crc) {
    checksums_.refuses_wrong_md5 = refused;
  } else if (!refused) {
    checksums_.whole = checksums_.multipart = ChecksumMode::md5;
  }
}

Result<BucketExamination::Answer> BucketExamination::send_trailing(std::string_view number, const std::string& id,
                                                                   std::uint32_t crc32c) {
  return send({"PUT",
               key_,
               {{"partNumber", std::string(number)}, {"uploadId", id}},
               trailer_headers(std::ssize(kProbe)),
               framed(kProbe, crc32c),
               kUnsignedPayloadTrailer});
}

// A store that does not know the frame may keep it as content, refuse it, or take it off and look at nothing.
void BucketExamination::try_trailing_checksum(const std::string& id) {
  const std::uint32_t right = crc32c(0, bytes_of(kProbe));
  const auto taken = send_trailing("3", id, right);
  if (!taken) return;
  const Errc errc = classify(taken->failure.status, taken->failure.code);
  if (!taken->good() && (errc == Errc::s3_transient || errc == Errc::s3_throttled)) return;
  if (!taken->good() || taken->response.header(kCrcHeader) != crc32c_base64(right)) {
    checksums_.trailing = false;
    return;
  }
  const auto wrong = send_trailing("4", id, ~right);
  if (!wrong) return;
  const bool refused = classify(wrong->failure.status, wrong->failure.code) == Errc::s3_integrity;
  if (refused || wrong->good()) checksums_.trailing = refused;
}

// The strongest that there is, and what uploads make of it; they need not find it out for themselves any more.
void BucketExamination::tell_checksums() {
  learned_.learn_checksums(configured_, checksums_);
  const bool refuses = checksums_.refuses_wrong_md5.value_or(false);
  const std::string_view wrong = !checksums_.refuses_wrong_md5 ? ""
                                 : refuses                     ? "; a wrong Content-MD5 is refused"
                                                               : "; a wrong Content-MD5 is ignored";
  const std::string_view reads = !checksums_.trailing   ? ""
                                 : *checksums_.trailing ? "; behind a part's bytes too, so that files are read once"
                                                        : "; before a part's bytes only, so that files are read twice";
  if (checksums_.whole == ChecksumMode::crc32c && checksums_.multipart == ChecksumMode::crc32c) {
    return tell("checksums", Finding::ok, fmt::format("CRC32C of the whole object, however it is sent{}", reads));
  }
  if (checksums_.multipart == ChecksumMode::crc32c_composite) {
    return tell("checksums", Finding::ok,
                fmt::format("CRC32C; of multipart uploads over the parts' (composite){}", reads));
  }
  if (checksums_.whole == ChecksumMode::crc32c || checksums_.multipart == ChecksumMode::crc32c) {
    const bool whole = checksums_.whole == ChecksumMode::crc32c;
    return tell(
        "checksums", Finding::ok,
        fmt::format("CRC32C of {} only, MD5 else{}", whole ? "objects in one request" : "multipart uploads", wrong));
  }
  if (md5_etags_ || refuses) {
    return tell("checksums", Finding::ok,
                fmt::format("MD5 only{}: the store confirms no CRC32C{}", md5_etags_ ? ", in ETags" : "", wrong));
  }
  tell("checksums", Finding::warn, "none: the store confirms neither CRC32C nor MD5, and uploads are read back",
       "nothing to do, if the traffic is affordable: every object is downloaded once to compare it");
}

}  // namespace vodlift::s3
