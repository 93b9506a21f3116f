#include "s3/multipart_examination.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "s3/request_body.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

// A part of the size that uploads use is tried, but a larger one than this would take too long.
constexpr std::int64_t kLargestTriedBytes = kLargestRatedPartBytes;
constexpr std::chrono::seconds kPartTime = 25s;

}  // namespace

bool MultipartExamination::run() {
  const auto id = open(ChecksumMode::crc32c);
  if (!id) return false;
  const std::size_t before = probe_.report().findings.size();
  examine(*id);
  End end = put_together(/*with_large_part=*/true);
  if (end == End::needs_md5) {
    facts_.multipart = ChecksumMode::md5;
    end = put_together(/*with_large_part=*/false);
  }
  const auto about_this = [](const BucketFinding& finding) { return finding.topic == "multipart"; };
  const auto& findings = probe_.report().findings;
  if (std::none_of(findings.begin() + static_cast<std::ptrdiff_t>(before), findings.end(), about_this)) {
    probe_.add("multipart", Finding::ok,
               end == End::confirmed ? "begun, a part sent and listed, aborted; another one completed"
                                     : "begun, a part sent and listed, aborted");
  }
  return end == End::confirmed;
}

// Opens a multipart upload with the strongest checksum from `offer` on that the store takes.
std::optional<std::string> MultipartExamination::open(ChecksumMode offer) {
  const auto created = begin(offer);
  if (!created || !created->good()) {
    probe_.add_failure("multipart", Finding::fail, created, "s3:PutObject");
    return std::nullopt;
  }
  auto id = parse_upload_id(created->response.body);
  if (!id) {
    probe_.add("multipart", Finding::fail, "the answer to CreateMultipartUpload has no UploadId",
               "the endpoint does not speak S3");
    return std::nullopt;
  }
  facts_.multipart = checksum_taken(created->response);
  return id;
}

Result<ProbeAnswer> MultipartExamination::begin(ChecksumMode offer) {
  constexpr std::array kOffers = {ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5};
  Result<ProbeAnswer> answer = Error{};
  for (const auto* next = std::ranges::find(kOffers, offer); next != kOffers.end(); ++next) {
    S3Operation create{"POST", probe_.key(), {{"uploads", ""}}, {{"content-type", "text/plain"}}, ""};
    for (auto& header : encryption_headers(configured_.encryption)) create.headers.push_back(std::move(header));
    for (auto& header : checksum_offer(*next)) create.headers.push_back(std::move(header));
    answer = probe_.send(create);
    if (!answer || !may_refuse_checksums(answer->response)) break;
  }
  return answer;
}

void MultipartExamination::examine(const std::string& id) {
  const auto sent = send_part(id, 1, std::string(BucketProbe::kContent));
  if (!sent || !sent->good()) probe_.add_failure("multipart", Finding::fail, sent, "s3:PutObject");
  const bool dropped = sent && sent->good() && sent->response.header(kCrcHeader).empty();
  if (dropped) facts_.multipart = ChecksumMode::md5;
  const auto listed = probe_.send({"GET", probe_.key(), {{"uploadId", id}}, {}, ""});
  const auto page = listed && listed->good() ? parse_parts(listed->response.body) : std::nullopt;
  if (!listed || !listed->good()) {
    probe_.add_failure("multipart", Finding::fail, listed, "s3:ListMultipartUploadParts");
  } else if (!page || (sent && sent->good() && page->parts.size() != 1)) {
    probe_.add("multipart", Finding::fail, "ListParts does not show the part that was sent",
               "an upload cannot be resumed after a restart");
  }
  try_wrong_checksum(id);
  if (facts_.multipart != ChecksumMode::md5) try_trailing_checksum(id);
  abort(id);
}

bool MultipartExamination::abort(const std::string& id) {
  const auto aborted = probe_.send({"DELETE", probe_.key(), {{"uploadId", id}}, {}, ""});
  if (aborted && (aborted->good() || aborted->response.status == 404)) return true;
  probe_.add_failure("multipart", Finding::fail, aborted, "s3:AbortMultipartUpload");
  probe_.report().findings.back().message +=
      fmt::format("; the multipart upload {} of {} is still open", printable(id), probe_.key());
  return false;
}

Result<ProbeAnswer> MultipartExamination::send_part(const std::string& id, int number, std::string body,
                                                    std::chrono::milliseconds patience) {
  S3Operation part{
      "PUT", probe_.key(), {{"partNumber", std::to_string(number)}, {"uploadId", id}}, {}, std::move(body)};
  if (facts_.multipart == ChecksumMode::md5) {
    const Md5Digest digest = md5(bytes_of(part.body));
    part.headers.emplace_back("content-md5", to_base64({digest.data(), digest.size()}));
  } else {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(part.body))));
  }
  return probe_.send(part, patience);
}

// A store that ignores a wrong checksum confirms nothing when it takes a right one.
void MultipartExamination::try_wrong_checksum(const std::string& id) {
  const bool crc = facts_.multipart != ChecksumMode::md5;
  const Md5Digest of_nothing = md5({});
  S3Operation part{
      "PUT", probe_.key(), {{"partNumber", "2"}, {"uploadId", id}}, {}, std::string(BucketProbe::kContent)};
  if (crc) {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(0));
  } else {
    part.headers.emplace_back("content-md5", to_base64({of_nothing.data(), of_nothing.size()}));
  }
  const auto answer = probe_.send(part);
  if (!answer) return;
  const bool refused = classify(answer->failure) == Errc::s3_integrity;
  if (!refused && !answer->good()) return;
  if (!crc) {
    facts_.refuses_wrong_md5 = refused;
  } else if (!refused) {
    facts_.whole = facts_.multipart = ChecksumMode::md5;
  }
}

Result<ProbeAnswer> MultipartExamination::send_trailing(std::string_view number, const std::string& id,
                                                        std::uint32_t crc32c) {
  return probe_.send({"PUT",
                      probe_.key(),
                      {{"partNumber", std::string(number)}, {"uploadId", id}},
                      trailer_headers(std::ssize(BucketProbe::kContent)),
                      framed(BucketProbe::kContent, crc32c),
                      kUnsignedPayloadTrailer});
}

// A store that does not support the frame may keep it as content, refuse it, or remove it without a check.
void MultipartExamination::try_trailing_checksum(const std::string& id) {
  const std::uint32_t right = crc32c(0, bytes_of(BucketProbe::kContent));
  const auto taken = send_trailing("3", id, right);
  if (!taken) return;
  const Errc errc = classify(taken->failure);
  if (!taken->good() && (errc == Errc::s3_transient || errc == Errc::s3_throttled || errc == Errc::s3_full)) return;
  if (!taken->good() || taken->response.header(kCrcHeader) != crc32c_base64(right)) {
    facts_.trailing = false;
    return;
  }
  const auto wrong = send_trailing("4", id, ~right);
  if (!wrong) return;
  const bool refused = classify(wrong->failure) == Errc::s3_integrity;
  if (refused || wrong->good()) facts_.trailing = refused;
}

// One multipart upload to its end, as uploads send it. Some stores take CRC32C for the parts and refuse it here, or
// never tell the CRC32C of the whole.
MultipartExamination::End MultipartExamination::put_together(bool with_large_part) {
  const auto id = open(facts_.multipart);
  if (!id) return End::unknown;
  std::vector<Part> parts;
  if (with_large_part) add_large_part(*id, parts);
  const int number = static_cast<int>(parts.size()) + 1;
  const auto last = send_part(*id, number, std::string(BucketProbe::kContent));
  if (!last || !last->good()) {
    abort(*id);
    return End::unknown;
  }
  const auto content = bytes_of(BucketProbe::kContent);
  parts.push_back(
      {number, std::ssize(BucketProbe::kContent), std::string(last->response.header("etag")), crc32c(0, content), ""});
  if (!with_large_part) try_wrong_checksum(*id);
  std::uint32_t whole = 0;
  std::int64_t size = 0;
  for (const Part& part : parts) {
    whole = crc32c_combine(whole, part.crc32c, static_cast<std::uint64_t>(part.size));
    size += part.size;
  }
  S3Operation complete{"POST",
                       probe_.key(),
                       {{"uploadId", *id}},
                       complete_headers(facts_.multipart, whole, size),
                       complete_body(parts, facts_.multipart != ChecksumMode::md5)};
  const auto answer = probe_.complete(complete, kPartTime);
  const bool done = answer && answer->good() && answer->failure.code.empty();
  if (!done && !abort(*id)) return End::unknown;
  return end_of(answer, whole);
}

// A proxy before the store may limit the size of requests.
void MultipartExamination::add_large_part(const std::string& id, std::vector<Part>& parts) {
  const std::int64_t chosen = configured_.part_size;
  const std::int64_t size = std::min(chosen > 0 ? chosen : kPreferredPartBytes, kLargestTriedBytes);
  const std::string body(static_cast<std::size_t>(size), 'v');
  const auto answer = send_part(id, 1, body, kPartTime);
  if (answer && answer->good()) {
    parts.push_back({1, size, std::string(answer->response.header("etag")), crc32c(0, bytes_of(body)), ""});
  }
  if (!answer || classify(answer->failure) != Errc::s3_too_large) return;
  const auto fix = [](std::string_view how) {
    return fmt::format(
        "raise the limit of the proxy before the store (nginx: client_max_body_size); or, if it is above "
        "{} bytes, {}. Uploads try smaller parts by themselves",
        kMinPartBytes, how);
  };
  probe_.add({"part-size", size > kMinPartBytes ? Finding::warn : Finding::fail,
              fmt::format("a part of {} bytes is too large: {} {}", size, answer->failure.status, answer->failure.code),
              fix("have smaller parts set"), fix("give `vodlift bucket set --part-size`")});
}

// What the answer to Complete means. `crc32c` is that of the whole object.
MultipartExamination::End MultipartExamination::end_of(const Result<ProbeAnswer>& answer, std::uint32_t crc32c) {
  const bool crc = facts_.multipart != ChecksumMode::md5;
  if (!answer || !answer->good() || !answer->failure.code.empty()) {
    const bool refused = answer && may_refuse_whole_checksum(answer->failure.status, answer->failure.code);
    if (refused && crc) return End::needs_md5;
    probe_.add_failure("multipart", Finding::fail, answer, "s3:PutObject");
    return End::unknown;
  }
  if (!crc) return End::confirmed;
  const std::string told = told_checksum(*answer);
  if (told.empty()) return End::needs_md5;
  const bool composite = told.find('-') != std::string::npos;
  if (composite || told == crc32c_base64(crc32c)) return End::confirmed;
  probe_.add("multipart", Finding::fail, "the store tells another CRC32C of a completed object than that of its bytes",
             "uploads in parts to this store fail");
  return End::unknown;
}

// The checksum of the whole object, from the answer to Complete or else from HEAD; empty: the store does not tell it.
std::string MultipartExamination::told_checksum(const ProbeAnswer& completed) {
  const auto object = parse_completed(completed.response.body);
  if (object && !object->checksum.empty()) return object->checksum;
  if (const auto told = completed.response.header(kCrcHeader); !told.empty()) return std::string(told);
  const auto head = probe_.send(
      {"HEAD", probe_.key(), {}, {{std::string(kAskForChecksum.first), std::string(kAskForChecksum.second)}}, ""});
  return head && head->good() ? std::string(head->response.header(kCrcHeader)) : "";
}

}  // namespace vodlift::s3
