#include "s3/s3_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::s3 {
namespace {

struct Row {
  std::string_view code;
  Errc errc;
  const char* advice;        // appended to the message; may be empty
  const char* command = "";  // the operator's command for it, which no customer reads
};

// Source: "Error Responses", Amazon S3 API Reference, read 2026-11-23.
// Errors of KMS come through S3, with "KMS." before their names: "Errors", AWS KMS API Reference, read 2026-11-25.
constexpr std::array kTable = {
    Row{"InternalError", Errc::s3_transient, ""},
    Row{"ServiceUnavailable", Errc::s3_transient, ""},
    Row{"RequestTimeout", Errc::s3_transient, ""},
    Row{"OperationAborted", Errc::s3_transient, ""},
    Row{"EntityTooLarge", Errc::s3_too_large, ""},
    Row{"MaxMessageLengthExceeded", Errc::s3_too_large, ""},
    Row{"IncompleteBody", Errc::s3_transient, ""},
    Row{"SlowDown", Errc::s3_throttled, ""},
    Row{"Throttling", Errc::s3_throttled, ""},
    Row{"ThrottlingException", Errc::s3_throttled, ""},
    Row{"TooManyRequests", Errc::s3_throttled, ""},
    Row{"RequestLimitExceeded", Errc::s3_throttled, ""},
    Row{"RequestTimeTooSkewed", Errc::s3_clock_skew, "set this server's clock (NTP)"},
    Row{"ExpiredToken", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"ExpiredTokenException", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"InvalidClientTokenId", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"UnrecognizedClientException", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"InvalidSecurity", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"NotSignedUp", Errc::s3_credential, "ask the store what is wrong with the account that the key belongs to"},
    Row{"InvalidToken", Errc::s3_credential, "renew the bucket's credentials", "`vodlift bucket set`"},
    Row{"InvalidAccessKeyId", Errc::s3_credential, "check the bucket's access key", "`vodlift bucket set`"},
    Row{"SignatureDoesNotMatch", Errc::s3_credential,
        "check the bucket's secret key; where it is right, a proxy before the store may drop or "
        "change headers: nginx drops those whose names have . or _, as names of metadata may",
        "`vodlift bucket set`"},
    Row{"AuthorizationHeaderMalformed", Errc::s3_region, "check the bucket's region", "`vodlift bucket set --region`"},
    Row{"PermanentRedirect", Errc::s3_region, "check the bucket's region and endpoint",
        "`vodlift bucket set --region --endpoint`"},
    Row{"TemporaryRedirect", Errc::s3_region, "check the bucket's region and endpoint",
        "`vodlift bucket set --region --endpoint`"},
    Row{"AccessDenied", Errc::s3_access_denied, ""},
    Row{"AllAccessDisabled", Errc::s3_access_denied, ""},
    Row{"AccountProblem", Errc::s3_credential, "ask the store what is wrong with the account that the key belongs to"},
    Row{"UserSuspended", Errc::s3_credential, "ask the store why the user that the key belongs to is suspended"},
    Row{"AccessControlListNotSupported", Errc::s3_acl_refused, ""},
    Row{"NoSuchBucket", Errc::s3_no_such_bucket, "create the bucket, or have its name corrected",
        "`vodlift bucket add`"},
    Row{"NoSuchUpload", Errc::s3_no_such_upload, ""},
    Row{"InvalidPart", Errc::s3_parts_refused, ""},
    Row{"InvalidPartOrder", Errc::s3_parts_refused, ""},
    Row{"PreconditionFailed", Errc::destination_exists, ""},
    Row{"ConditionalRequestConflict", Errc::s3_conflict, ""},
    Row{"InvalidStorageClass", Errc::s3_rejected, "give a storage_class that this store has, or none"},
    Row{"InvalidTag", Errc::s3_rejected, "give tags that this store takes"},
    Row{"NoSuchKey", Errc::s3_not_found, ""},
    Row{"KMS.AccessDeniedException", Errc::s3_access_denied, ""},
    Row{"KMS.DisabledException", Errc::s3_rejected, "enable the KMS key, or set another",
        "`vodlift bucket set --kms-key`"},
    Row{"KMS.KMSInvalidStateException", Errc::s3_rejected,
        "the KMS key is being deleted, or has no key material yet: restore it, or set another",
        "`vodlift bucket set --kms-key`"},
    Row{"KMS.NotFoundException", Errc::s3_rejected,
        "check the bucket's KMS key: it must be in the bucket's region, and an alias names only keys of the S3 key's "
        "own account",
        "`vodlift bucket set --kms-key`"},
    Row{"KMS.InvalidKeyUsageException", Errc::s3_rejected,
        "set a symmetric encryption key (ENCRYPT_DECRYPT) as the bucket's KMS key", "`vodlift bucket set --kms-key`"},
    Row{"KMS.ThrottlingException", Errc::s3_throttled, "a bucket key saves calls to KMS",
        "`vodlift bucket set --bucket-key`"},
    Row{"KMS.DependencyTimeoutException", Errc::s3_transient, ""},
    Row{"KMS.KeyUnavailableException", Errc::s3_transient, ""},
    Row{"KMS.KMSInternalException", Errc::s3_transient, ""},
    Row{"InvalidEncryptionAlgorithmError", Errc::s3_rejected, "check the bucket's encryption",
        "`vodlift bucket set --sse`"},
    Row{"BadDigest", Errc::s3_integrity, ""},
    Row{"InvalidDigest", Errc::s3_integrity, ""},
    Row{"XAmzContentSHA256Mismatch", Errc::s3_integrity, ""},
    Row{"XAmzContentChecksumMismatch", Errc::s3_integrity, ""},
};

// Some stores answer it for whatever they do not allow, and explain themselves in the message only.
constexpr std::string_view kCatchAll = "AccessDenied";

// Stores have many codes and sentences for what follows, so that only their form is listed here: a word of `begins`, up
// to kMostBetween words of `between`, and a word of `ends`. Letters only: QuotaExceeded is "quota exceeded".
using WordList = std::span<const std::string_view>;
constexpr int kMostBetween = 6;
struct Phrases {
  WordList begins;
  WordList between;
  WordList ends;
};

constexpr auto kRooms = std::to_array<std::string_view>(
    {"quota", "space", "storage", "disk", "capacity", "volume", "bucket", "device", "usagecap"});
constexpr auto kBetweenRoomAndFull = std::to_array<std::string_view>(
    {"hasalreadybeen", "hasbeen", "hasalready", "has", "was", "isalready", "isalmost", "iscurrently", "isnow", "is",
     "are", "been", "limit", "size", "usage", "ofthe", "bucket", "account", "cap"});
constexpr auto kFull =
    std::to_array<std::string_view>({"full", "exceeded", "exhausted", "depleted", "insufficient", "reached"});
constexpr auto kAbove = std::to_array<std::string_view>(
    {"exceeded", "exceeds", "exceeding", "exceed", "over", "reached", "reaches", "hit", "above"});
constexpr auto kBetweenAboveAndRoom = std::to_array<std::string_view>(
    {"the", "your", "its", "this", "available", "allowed", "allocated", "configured", "maximum", "total", "account",
     "bucket", "user", "storage", "disk", "hard", "soft"});
constexpr auto kBounds = std::to_array<std::string_view>({"quota", "space", "storage", "capacity", "usagecap"});
constexpr auto kTooLittle = std::to_array<std::string_view>({"insufficient", "notenough", "outof", "runout", "lackof"});
constexpr auto kBetweenTooLittleAndRoom =
    std::to_array<std::string_view>({"of", "free", "available", "remaining", "disk", "storage"});
constexpr auto kStuff = std::to_array<std::string_view>({"space", "storage", "capacity", "quota", "disk", "room"});
constexpr auto kAlone = std::to_array<std::string_view>(
    {"nospace", "nofreespace", "nomorespace", "noroom", "enospc", "edquot", "overquota"});
constexpr std::array kPhrasesOfSpace = {Phrases{kRooms, kBetweenRoomAndFull, kFull},
                                        Phrases{kAbove, kBetweenAboveAndRoom, kBounds},
                                        Phrases{kTooLittle, kBetweenTooLittleAndRoom, kStuff}, Phrases{kAlone, {}, {}}};

// Not of metadata, keys and headers, which smaller requests do not make smaller.
constexpr auto kContents = std::to_array<std::string_view>(
    {"request", "body", "entity", "payload", "content", "upload", "object", "file", "part", "message"});
constexpr auto kBetweenContentAndLarge =
    std::to_array<std::string_view>({"body", "entity", "object", "size", "length", "is", "was"});
constexpr auto kLarge = std::to_array<std::string_view>(
    {"toolarge", "toobig", "sizeexceeded", "exceedsthemax", "exceedsmax", "exceedsthelimit", "exceedslimit"});
constexpr auto kLargeAlone =
    std::to_array<std::string_view>({"toolargebody", "toolargerequest", "maxbodysizeexceeded"});
constexpr std::array kPhrasesOfSize = {Phrases{kContents, kBetweenContentAndLarge, kLarge},
                                       Phrases{kLargeAlone, {}, {}}};

// Where a store says, with AccessDenied or a code of its own, that the key itself is not, or no longer, good. An object
// has a key too, and one may not exist.
constexpr auto kKeys =
    std::to_array<std::string_view>({"accesskey", "key", "token", "credentials", "credential", "account", "user"});
constexpr auto kBetweenKeyAndBad =
    std::to_array<std::string_view>({"id", "hasbeen", "has", "havebeen", "have", "is", "are", "was"});
constexpr auto kBad = std::to_array<std::string_view>(
    {"disabled", "inactive", "expired", "revoked", "deactivated", "suspended", "deleted"});
constexpr auto kKeysByName = std::to_array<std::string_view>({"keyid", "accesskey"});
constexpr auto kAbsent = std::to_array<std::string_view>({"doesnotexist", "notfound", "invalid", "isinvalid"});
constexpr auto kBadBefore =
    std::to_array<std::string_view>({"invalid", "expired", "inactive", "disabled", "revoked", "unknown"});
constexpr auto kBetweenBadAndKey = std::to_array<std::string_view>({"security", "session", "access"});
constexpr auto kKeysAfter = std::to_array<std::string_view>({"accesskey", "credential", "token"});
constexpr std::array kPhrasesOfKeys = {Phrases{kKeys, kBetweenKeyAndBad, kBad}, Phrases{kKeysByName, {}, kAbsent},
                                       Phrases{kBadBefore, kBetweenBadAndKey, kKeysAfter}};

// The length of the word that `text` begins with; 0: it begins with none of them.
std::size_t leading(std::string_view text, WordList words) {
  const auto found = std::ranges::find_if(words, [&](std::string_view word) { return text.starts_with(word); });
  return found == words.end() ? 0 : found->size();
}

bool goes_on(std::string_view text, const Phrases& phrases) {
  if (phrases.ends.empty()) return true;
  for (int between = 0; between <= kMostBetween; ++between) {
    // bucket-owner-full-control is an ACL.
    if (leading(text, phrases.ends) > 0) return !text.starts_with("fullcontrol");
    const std::size_t word = leading(text, phrases.between);
    if (word == 0) return false;
    text.remove_prefix(word);
  }
  return false;
}

bool has_phrase(std::string_view letters, std::span<const Phrases> list) {
  for (; !letters.empty(); letters.remove_prefix(1)) {
    for (const Phrases& phrases : list) {
      for (const std::string_view word : phrases.begins) {
        if (letters.starts_with(word) && goes_on(letters.substr(word.size()), phrases)) return true;
      }
    }
  }
  return false;
}

std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (is_lower(to_lower(c))) letters += to_lower(c);
  }
  return letters;
}

// Whether the store's words have such a phrase. A key that the message quotes is not the store's word.
bool tells(const Failure& failure, std::span<const Phrases> phrases) {
  std::string message = failure.message;
  const std::string key = "/" + failure.key;
  if (const auto at = message.find(key); !failure.key.empty() && at != std::string::npos) message.erase(at, key.size());
  const auto has = [phrases](std::string_view text) { return has_phrase(letters_of(text), phrases); };
  return has(failure.code) || has(message) || has(failure.unread);
}

bool tells_of_space(const Failure& failure) { return tells(failure, kPhrasesOfSpace); }
bool tells_of_size(const Failure& failure) { return tells(failure, kPhrasesOfSize); }
bool tells_of_key(const Failure& failure) { return !is_of_kms(failure) && tells(failure, kPhrasesOfKeys); }

const Row* find_row(std::string_view code) {
  for (const Row& row : kTable) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

constexpr const char* kPublicAclAdvice =
    "the bucket does not take acl=public-read: send acl=private and open the objects by a bucket policy or a CDN; or "
    "enable ACLs (Object Ownership: Bucket owner preferred) and switch off Block Public Access for ACLs; or have them "
    "uploaded as private";
constexpr const char* kPublicAclCommand = "`vodlift bucket set --acl-policy private`";

constexpr const char* kPublicAclPermissionAdvice =
    "where the bucket takes ACLs, the key lacks a permission: acl=public-read needs s3:PutObjectAcl besides "
    "s3:PutObject";

// HEAD, which confirms the object, needs s3:GetObject. Its 403 has no body, and so no code.
constexpr const char* kAccessDeniedAdvice =
    "the key needs s3:PutObject, s3:GetObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on the objects "
    "of this bucket";

constexpr const char* kKmsDeniedAdvice =
    "the key needs kms:GenerateDataKey and kms:Decrypt on the KMS key: by its own policy, and by the KMS key's policy "
    "if that belongs to another account";
constexpr const char* kKmsDeniedCommand = "`vodlift bucket check --policy` prints its own policy";

constexpr const char* kListUploadsAdvice =
    "the key needs s3:ListBucketMultipartUploads on this bucket, to find what a lost answer left open";

constexpr const char* kFullAdvice =
    "the bucket, its account or the store is full: make room or raise the quota; the upload is tried again";

constexpr const char* kTooLargeAdvice =
    "the request is too large for the store, or for a proxy before it: raise the proxy's limit (nginx: "
    "client_max_body_size)";

Advice advice_for(const Failure& failure, Errc errc) {
  if (errc == Errc::s3_full) return {kFullAdvice};
  if (errc == Errc::s3_acl_refused) {
    const std::string also = failure.status == 403 ? fmt::format("; {}", kPublicAclPermissionAdvice) : std::string();
    return {std::string(kPublicAclAdvice) + also, kPublicAclCommand};
  }
  if (errc == Errc::s3_access_denied) {
    if (is_of_kms(failure)) return {kKmsDeniedAdvice, kKmsDeniedCommand};
    return {failure.operation == "ListMultipartUploads" ? kListUploadsAdvice : kAccessDeniedAdvice};
  }
  if (errc == Errc::s3_region && !failure.region.empty()) {
    const std::string region = printable(failure.region, 64);
    return {fmt::format("the bucket is in region {}", region), fmt::format("`vodlift bucket set --region {}`", region)};
  }
  if (errc == Errc::s3_too_large) return {kTooLargeAdvice};
  return advice_on(failure.code);
}

}  // namespace

Errc classify(const Failure& failure) {
  const int status = failure.status;
  const Row* row = find_row(failure.code);
  // What is not found for a part is the multipart upload.
  const Errc absent = failure.operation.starts_with("UploadPart") ? Errc::s3_no_such_upload : Errc::s3_not_found;
  if (row != nullptr && row->errc == Errc::s3_not_found) return absent;
  if (row != nullptr && row->code != kCatchAll) return row->errc;
  if (status == 429) return Errc::s3_throttled;
  if (status == 507 || tells_of_space(failure)) return Errc::s3_full;
  if (status == 413 || tells_of_size(failure)) return Errc::s3_too_large;
  const bool about_key = status == 401 || ((status == 400 || status == 403) && tells_of_key(failure));
  if (about_key) return Errc::s3_credential;
  if (row != nullptr) return row->errc;
  // Proxies before the store have statuses of their own, such as 520 to 530, and may have forwarded the request.
  const bool for_good = status == 501 || status == 505;
  if (status == 408 || (status >= 500 && !for_good)) return Errc::s3_transient;
  if (status == 301 || status == 302 || status == 307 || status == 308) return Errc::s3_region;
  if (status == 403) return Errc::s3_access_denied;
  if (status == 404 || status == 410) return absent;
  if (status == 412) return Errc::destination_exists;
  return Errc::s3_rejected;
}

// S3 forwards the message of KMS: "User: … is not authorized to perform: kms:GenerateDataKey on resource: …".
bool is_of_kms(const Failure& failure) {
  return failure.code.starts_with("KMS.") || failure.message.find("kms:") != std::string::npos;
}

std::string Advice::for_operator() const { return command.empty() ? text : fmt::format("{} ({})", text, command); }

Advice advice_on(std::string_view code) {
  const Row* row = find_row(code);
  return row == nullptr ? Advice() : Advice{row->advice, row->command};
}

Error to_error(const Failure& failure) {
  Errc errc = classify(failure);
  // Block Public Access answers a public ACL with a plain 403.
  if (errc == Errc::s3_access_denied && failure.sent_public_acl) errc = Errc::s3_acl_refused;

  std::string message = fmt::format("{} of s3://{}/{}: {} {}", failure.operation, printable(failure.bucket, 64),
                                    printable(failure.key, 200), failure.status, printable(failure.code, 64));
  if (!failure.message.empty()) message += fmt::format(" ({})", printable(failure.message, 200));
  Advice advice = advice_for(failure, errc);
  if (!advice.text.empty()) message += fmt::format("; {}", advice.text);
  if (!failure.request_id.empty()) message += fmt::format(" [request id {}]", printable(failure.request_id, 100));
  return Error{errc, std::move(message), std::move(advice.command)};
}

}  // namespace vodlift::s3
