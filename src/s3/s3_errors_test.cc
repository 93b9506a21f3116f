#include "s3/s3_errors.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

Errc classify(int status, const std::string& code, const std::string& message = "") {
  Failure failure;
  failure.status = status;
  failure.code = code;
  failure.message = message;
  return s3::classify(failure);
}

TEST(S3Errors, TheCodeDecidesBeforeTheStatus) {
  EXPECT_EQ(classify(503, "SlowDown"), Errc::s3_throttled);
  EXPECT_EQ(classify(400, "RequestTimeout"), Errc::s3_transient);
  EXPECT_EQ(classify(403, "RequestTimeTooSkewed"), Errc::s3_clock_skew);
  EXPECT_EQ(classify(403, "SignatureDoesNotMatch"), Errc::s3_credential);
  EXPECT_EQ(classify(400, "AccessControlListNotSupported"), Errc::s3_acl_refused);
  EXPECT_EQ(classify(404, "NoSuchUpload"), Errc::s3_no_such_upload);
  EXPECT_EQ(classify(404, "NoSuchBucket"), Errc::s3_no_such_bucket);
  EXPECT_EQ(classify(400, "BadDigest"), Errc::s3_integrity);
  EXPECT_EQ(classify(412, "PreconditionFailed"), Errc::destination_exists);
  EXPECT_EQ(classify(409, "ConditionalRequestConflict"), Errc::s3_conflict);
}

TEST(S3Errors, TheStatusDecidesWhereTheCodeIsUnknown) {
  EXPECT_EQ(classify(500, ""), Errc::s3_transient);
  // A CDN's own words for an origin that it cannot reach, and for one that is overloaded.
  for (const int status : {520, 521, 522, 523, 524, 525, 526, 529, 530}) {
    EXPECT_EQ(classify(status, ""), Errc::s3_transient) << status;
  }
  EXPECT_EQ(classify(501, ""), Errc::s3_rejected);
  EXPECT_EQ(classify(429, "Whatever"), Errc::s3_throttled);
  EXPECT_EQ(classify(403, ""), Errc::s3_access_denied);
  EXPECT_EQ(classify(301, ""), Errc::s3_region);
  EXPECT_EQ(classify(412, ""), Errc::destination_exists);
  EXPECT_FALSE(info(classify(400, "InvalidArgument")).retryable);
}

TEST(S3Errors, NoRoomIsNoPermission) {
  EXPECT_TRUE(info(Errc::s3_full).retryable);
  EXPECT_EQ(classify(507, ""), Errc::s3_full);
  EXPECT_EQ(classify(507, "Whatever"), Errc::s3_full);
  for (const std::string code :
       {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "BucketQuotaExceeded",
        "InsufficientStorage", "InsufficientCapacity", "StorageLimitExceeded", "BucketFull", "SpaceExhausted",
        "MaxBucketSizeExceeded", "CapacityExceeded", "OverQuota", "QuotaLimitReached", "InsufficientStorageSpace"}) {
    for (const int status : {400, 403, 409, 413, 500, 503}) EXPECT_EQ(classify(status, code), Errc::s3_full) << code;
  }
  for (const std::string words : {"Storage cap exceeded",
                                  "The bucket is over quota.",
                                  "write failed: No space left on device",
                                  "disk full",
                                  "Your account has exceeded the quota",
                                  "There is not enough space",
                                  "Bucket size quota is reached, maximum total size of objects for this bucket: 100",
                                  "Object quota is reached, maximum objects for this bucket: 10",
                                  "Quota has been exceeded",
                                  "You have exceeded your storage limit",
                                  "write: out of disk space",
                                  "The bucket is full",
                                  "insufficient disk space",
                                  "not enough free space",
                                  "This exceeds your quota",
                                  "capacity limit reached",
                                  "The remaining storage space of the bucket is insufficient",
                                  "open: ENOSPC",
                                  "EDQUOT",
                                  "Usage cap exceeded"}) {
    for (const std::string code : {"", "AccessDenied", "Forbidden", "Other"}) {
      EXPECT_EQ(classify(403, code, words), Errc::s3_full) << code << ": " << words;
    }
  }
  Failure failure;
  failure.status = 403;
  failure.code = "QuotaExceeded";
  const std::string message = to_error(failure).message;
  EXPECT_NE(message.find("full"), std::string::npos) << message;
  EXPECT_EQ(message.find("s3:PutObject"), std::string::npos) << message;
}

TEST(S3Errors, WordsOfSpaceDoNotChangeACodeThatIsKnown) {
  EXPECT_EQ(classify(503, "SlowDown", "request quota exceeded"), Errc::s3_throttled);
  EXPECT_EQ(classify(429, "", "quota exceeded"), Errc::s3_throttled);
  EXPECT_EQ(classify(404, "NoSuchBucket", "quota exceeded"), Errc::s3_no_such_bucket);
  EXPECT_EQ(classify(403, "AccessDenied", "Access Denied"), Errc::s3_access_denied);
  EXPECT_EQ(classify(403, "AccessDenied", "not allowed to change the quota"), Errc::s3_access_denied);
}

TEST(S3Errors, WhatOnlySoundsLikeNoRoomIsNone) {
  for (const std::string words :
       {"needs bucket-owner-full-control of the storage", "insufficient permissions for this bucket",
        "the storage class is not supported", "not authorized to read the bucket quota", "no storage class"}) {
    EXPECT_EQ(classify(403, "AccessDenied", words), Errc::s3_access_denied) << words;
  }
  Failure failure;
  failure.status = 403;
  failure.code = "AccessDenied";
  failure.key = "films/disk full.mp4";
  failure.message = "not authorized to perform: s3:PutObject on resource: arn:aws:s3:::videos/films/disk full.mp4";
  EXPECT_EQ(s3::classify(failure), Errc::s3_access_denied) << "these are the words of the key";
}

TEST(S3Errors, TooLargeIsToldByItsWordsToo) {
  for (const std::string code : {"EntityTooLarge", "RequestEntityTooLarge", "PayloadTooLarge", "RequestBodyTooLarge",
                                 "ContentTooLarge", "BodyTooLarge", "MaxBodySizeExceeded", "RequestTooLarge"}) {
    EXPECT_EQ(classify(400, code), Errc::s3_too_large) << code;
  }
  for (const std::string words : {"The request body is too large", "client intended to send too large body",
                                  "Request size exceeds the maximum allowed"}) {
    for (const std::string code : {"", "InvalidRequest", "AccessDenied"}) {
      EXPECT_EQ(classify(403, code, words), Errc::s3_too_large) << words;
    }
  }
  for (const std::string code : {"MetadataTooLarge", "KeyTooLongError", "RequestHeaderSectionTooLarge"}) {
    EXPECT_EQ(classify(400, code), Errc::s3_rejected) << code;
  }
}

TEST(S3Errors, AKeyThatIsNoLongerGoodIsNoPermission) {
  EXPECT_EQ(classify(401, ""), Errc::s3_credential);
  EXPECT_EQ(classify(401, "Unauthorized"), Errc::s3_credential);
  EXPECT_EQ(classify(403, "UserSuspended"), Errc::s3_credential);
  EXPECT_EQ(classify(403, "AccountProblem"), Errc::s3_credential);
  EXPECT_EQ(classify(403, "AccessDenied", "The access key is disabled."), Errc::s3_credential);
  EXPECT_EQ(classify(403, "Forbidden", "Access key has been revoked"), Errc::s3_credential);
  for (const std::string code : {"KeyExpired", "AccessKeyDisabled", "InvalidAccessKeyId.Inactive", "TokenExpired",
                                 "AccountSuspended", "ExpiredCredentials"}) {
    EXPECT_EQ(classify(403, code), Errc::s3_credential) << code;
  }
  EXPECT_EQ(classify(400, "Other", "the provided credentials have expired"), Errc::s3_credential);
  EXPECT_EQ(classify(403, "AccessDenied", "no permission to use this key prefix"), Errc::s3_access_denied);
}

TEST(S3Errors, WordsThatAreNoErrorDocumentAreRead) {
  Failure failure;
  failure.status = 403;
  for (const std::string page : {"<html><h1>Storage quota exceeded</h1></html>", R"({"error": "disk full"})"}) {
    failure.unread = page;
    EXPECT_EQ(s3::classify(failure), Errc::s3_full) << page;
  }
  failure.unread = "The request body is too large";
  EXPECT_EQ(s3::classify(failure), Errc::s3_too_large);
  EXPECT_EQ(to_error(failure).message.find("body is"), std::string::npos);
  failure.unread = "<html>Forbidden</html>";
  EXPECT_EQ(s3::classify(failure), Errc::s3_access_denied);
}

TEST(S3Errors, WhatIsNotFoundForAPartIsTheMultipartUpload) {
  Failure failure;
  failure.operation = "UploadPart 17";
  for (const auto& [status, code] : {std::pair(404, ""), std::pair(410, ""), std::pair(404, "NoSuchKey")}) {
    failure.status = status;
    failure.code = code;
    EXPECT_EQ(s3::classify(failure), Errc::s3_no_such_upload) << status << code;
  }
  failure.operation = "GetObject";
  EXPECT_EQ(s3::classify(failure), Errc::s3_not_found);
}

TEST(S3Errors, AProxyInFrontIsNamedWhereItMayBeTheCause) {
  Failure failure;
  failure.status = 413;
  EXPECT_EQ(to_error(failure).code, Errc::s3_too_large);
  EXPECT_NE(to_error(failure).message.find("client_max_body_size"), std::string::npos);
  failure.status = 403;
  failure.code = "SignatureDoesNotMatch";
  EXPECT_EQ(to_error(failure).code, Errc::s3_credential);
  EXPECT_NE(to_error(failure).message.find("proxy"), std::string::npos);
}

TEST(S3Errors, KmsFailsForGoodOrForNow) {
  EXPECT_EQ(classify(400, "KMS.DisabledException"), Errc::s3_rejected);
  EXPECT_EQ(classify(400, "KMS.NotFoundException"), Errc::s3_rejected);
  EXPECT_EQ(classify(400, "KMS.KMSInvalidStateException"), Errc::s3_rejected);
  EXPECT_EQ(classify(400, "KMS.InvalidKeyUsageException"), Errc::s3_rejected);
  EXPECT_EQ(classify(400, "KMS.AccessDeniedException"), Errc::s3_access_denied);
  EXPECT_EQ(classify(400, "KMS.ThrottlingException"), Errc::s3_throttled);
  EXPECT_EQ(classify(400, "KMS.KeyUnavailableException"), Errc::s3_transient);
  EXPECT_EQ(classify(400, "KMS.DependencyTimeoutException"), Errc::s3_transient);
  EXPECT_EQ(classify(400, "KMS.SomethingNew"), Errc::s3_rejected);
}

TEST(S3Errors, ADenialByKmsNamesItsPermissions) {
  Failure failure;
  failure.operation = "PutObject";
  failure.status = 403;
  failure.code = "AccessDenied";
  failure.message = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey on resource: y";
  const std::string message = to_error(failure).message;
  EXPECT_NE(message.find("kms:Decrypt"), std::string::npos) << message;
  EXPECT_EQ(message.find("s3:AbortMultipartUpload"), std::string::npos) << message;
}

TEST(S3Errors, AMessageNamesOperationObjectAndWhatToDo) {
  Failure failure;
  failure.operation = "UploadPart 17";
  failure.bucket = "b";
  failure.key = "k\n";
  failure.status = 301;
  failure.code = "PermanentRedirect";
  failure.region = "eu-central-1";
  failure.request_id = "REQ1";
  const Error error = to_error(failure);
  EXPECT_EQ(error.code, Errc::s3_region);
  EXPECT_EQ(error.message,
            "UploadPart 17 of s3://b/k\\x0a: 301 PermanentRedirect; the bucket is in region eu-central-1 "
            "[request id REQ1]");
  EXPECT_EQ(error.detail, "`vodlift bucket set --region eu-central-1`");
}

TEST(S3Errors, NoCommandOfTheOperatorIsInWhatACustomerReads) {
  Failure failure;
  failure.operation = "PutObject";
  failure.status = 403;
  for (const char* code : {"InvalidAccessKeyId", "SignatureDoesNotMatch", "PermanentRedirect", "NoSuchBucket",
                           "KMS.NotFoundException", "KMS.AccessDeniedException", "AccessControlListNotSupported",
                           "InvalidEncryptionAlgorithmError", "ExpiredToken"}) {
    failure.code = code;
    const Error error = to_error(failure);
    EXPECT_EQ(error.message.find("vodlift"), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find("--"), std::string::npos) << error.message;
    EXPECT_NE(error.for_operator().find("`vodlift bucket "), std::string::npos) << error.for_operator();
  }
}

TEST(S3Errors, APlain403OnAPublicAclIsTheAcl) {
  Failure failure;
  failure.operation = "PutObject";
  failure.status = 403;
  failure.code = "AccessDenied";
  EXPECT_EQ(to_error(failure).code, Errc::s3_access_denied);
  failure.sent_public_acl = true;
  EXPECT_EQ(to_error(failure).code, Errc::s3_acl_refused);
  const std::string message = to_error(failure).message;
  EXPECT_NE(message.find("acl=private"), std::string::npos) << message;
  EXPECT_NE(message.find("s3:PutObjectAcl"), std::string::npos) << message;
}

TEST(S3Errors, ABucketWithoutAclsIsNotAMissingPermission) {
  Failure failure;
  failure.operation = "PutObject";
  failure.status = 400;
  failure.code = "AccessControlListNotSupported";
  failure.sent_public_acl = true;
  const std::string message = to_error(failure).message;
  EXPECT_NE(message.find("acl=private"), std::string::npos) << message;
  EXPECT_EQ(message.find("s3:PutObjectAcl"), std::string::npos) << message;
}

TEST(S3Errors, AccessDeniedNamesEveryPermissionWithAndWithoutACode) {
  for (const std::string code : {"AccessDenied", "AllAccessDisabled", ""}) {
    Failure failure;
    failure.operation = "HeadObject";
    failure.status = 403;
    failure.code = code;
    const Error error = to_error(failure);
    EXPECT_EQ(error.code, Errc::s3_access_denied) << code;
    for (const std::string_view permission :
         {"s3:PutObject,", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}) {
      EXPECT_NE(error.message.find(permission), std::string::npos) << permission << ": " << error.message;
    }
  }
}

}  // namespace
}  // namespace vodlift::s3
