#include "s3/s3_xml.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

TEST(S3Xml, ReadsAnError) {
  const auto error = parse_error(
      "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>a &amp; b</Message>"
      "<RequestId>R</RequestId></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "NoSuchBucket");
  EXPECT_EQ(error->message, "a & b");
  EXPECT_EQ(error->request_id, "R");
}

TEST(S3Xml, AnErrorAfterWhiteSpaceIsStillAnError) {
  // CompleteMultipartUpload keeps the connection alive with white space before it says how it went.
  EXPECT_TRUE(parse_error("<?xml version=\"1.0\"?>\n     \n   <Error><Code>InternalError</Code></Error>"));
  EXPECT_TRUE(parse_error("     <Error><Code>InternalError</Code></Error>"));
}

TEST(S3Xml, HalfAnAnswerIsNone) {
  EXPECT_FALSE(parse_completed("<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag>"));
  EXPECT_FALSE(parse_completed(""));
  EXPECT_FALSE(parse_completed("<Error><Code>InternalError</Code></Error>"));
  EXPECT_FALSE(parse_completed("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"));
  EXPECT_FALSE(parse_error("hello"));
}

TEST(S3Xml, ReadsACompletedObject) {
  const auto object = parse_completed(
      "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>&quot;abc-2&quot;</ETag>"
      "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></CompleteMultipartUploadResult>");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->etag, "\"abc-2\"");
  EXPECT_EQ(object->checksum, "AAAAAA==");
}

TEST(S3Xml, ReadsAPageOfParts) {
  const auto page = parse_parts(
      "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>"
      "<Part><PartNumber>1</PartNumber><Size>5</Size><ETag>\"a\"</ETag></Part>"
      "<Part><PartNumber>2</PartNumber><Size>6</Size><ETag>\"b\"</ETag><ChecksumCRC32C>c</ChecksumCRC32C></Part>"
      "</ListPartsResult>");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next_marker, 2);
  ASSERT_EQ(page->parts.size(), 2U);
  EXPECT_EQ(page->parts[1].size, 6);
  EXPECT_EQ(page->parts[1].checksum, "c");
}

TEST(S3Xml, RefusesAnInvalidPage) {
  EXPECT_FALSE(parse_parts("<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>"));
  EXPECT_FALSE(parse_parts("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"));
  EXPECT_FALSE(
      parse_completed("<CompleteMultipartUploadResult><ETag>a</ETag></CompleteMultipartUploadResult>"
                      "<Error><Code>InternalError</Code></Error>"));
  for (const char* part : {"<PartNumber>0</PartNumber><Size>1</Size>", "<PartNumber>10001</PartNumber><Size>1</Size>",
                           "<PartNumber>1</PartNumber><Size>-1</Size>"}) {
    EXPECT_FALSE(parse_parts(std::string("<ListPartsResult><Part>") + part + "</Part></ListPartsResult>")) << part;
  }
}

TEST(S3Xml, AnAnswerIsTakenByWhatItHolds) {
  for (const char* xml : {
           "<InitiateMultipartUploadResponse><UploadId>id</UploadId></InitiateMultipartUploadResponse>",
           "<s3:InitiateMultipartUploadResult xmlns:s3=\"x\"><s3:UploadId>id</s3:UploadId>"
           "</s3:InitiateMultipartUploadResult>",
           "<R>\n  <UploadId>\n id \n</UploadId>\n <Key>k</Key></R>",
           "<R><InitiateMultipartUploadResult><UploadId><![CDATA[id]]></UploadId></InitiateMultipartUploadResult></R>",
       }) {
    EXPECT_EQ(parse_upload_id(xml), "id") << xml;
  }
  EXPECT_FALSE(parse_upload_id("<html><body>UploadId</body></html>"));
  EXPECT_FALSE(parse_upload_id("<Error><Code>a</Code><UploadId>id</UploadId></Error>"));
  const auto object = parse_completed(
      "<a:CompleteResult xmlns:a=\"x\"><a:ChecksumCRC32C> AAAAAA== </a:ChecksumCRC32C><a:ETag>\n\"e-2\" "
      "</a:ETag></a:CompleteResult>");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->etag, "\"e-2\"");
  EXPECT_EQ(object->checksum, "AAAAAA==");
  EXPECT_FALSE(parse_completed("<Error><Code>InvalidPart</Code><ETag>\"e\"</ETag></Error>"));
  EXPECT_FALSE(parse_completed("<R><Error><Code>a</Code></Error><ETag>\"e\"</ETag></R>"));
  const auto parts = parse_parts(
      "<x:ListPartsOutput xmlns:x=\"x\"><x:Part><x:Size> 5 </x:Size><x:ETag>\"a\"</x:ETag>"
      "<x:PartNumber>\n1</x:PartNumber></x:Part><x:IsTruncated> False </x:IsTruncated></x:ListPartsOutput>");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->parts.size(), 1U);
  EXPECT_EQ(parts->parts[0].size, 5);
  EXPECT_FALSE(parse_parts("<html><body>no list</body></html>"));
  constexpr std::string_view kError = "<Error><Code>NoSuchUpload</Code></Error>";
  for (const std::string list : {"ListPartsResult", "ListMultipartUploadsResult", "R"}) {
    for (const std::string inner : {"", "<MaxParts>9</MaxParts>", "<MaxUploads>9</MaxUploads>"}) {
      const std::string xml = "<" + list + ">" + inner + std::string(kError) + "</" + list + ">";
      EXPECT_TRUE(parse_error(xml)) << xml;
      EXPECT_FALSE(parse_parts(xml)) << xml;
      EXPECT_FALSE(parse_uploads(xml)) << xml;
    }
  }
  EXPECT_FALSE(parse_uploads("<html><body>no list</body></html>"));
  const auto uploads =
      parse_uploads("<R><MaxUploads>1000</MaxUploads><Upload><UploadId> A</UploadId><Key> k</Key></Upload></R>");
  ASSERT_TRUE(uploads);
  EXPECT_EQ(uploads->uploads.at(0).upload.id, "A");
  EXPECT_EQ(uploads->uploads.at(0).key, " k") << "keys are byte-exact";
  const auto error = parse_error(
      "<r:ErrorResponse xmlns:r=\"x\"><r:Error><r:Code> NoSuchUpload </r:Code></r:Error></r:ErrorResponse>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "NoSuchUpload");
}

TEST(S3Xml, ExpandsNoForeignEntities) {
  const auto error = parse_error(
      "<!DOCTYPE Error [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><Error><Code>&b;</Code></Error>");
  if (error) {
    EXPECT_EQ(error->code, "&b;");
  }
}

TEST(S3Xml, SurvivesDeepNesting) {
  std::string bomb;
  for (int i = 0; i < 200000; ++i) bomb += "<a>";
  EXPECT_FALSE(parse_error(bomb));
  for (int i = 0; i < 200000; ++i) bomb += "</a>";
  EXPECT_FALSE(parse_error(bomb));
}

TEST(S3Xml, WritesTheCompleteBody) {
  const std::vector<Part> parts = {{1, 5, "\"a&b\"", 0, ""}};
  EXPECT_EQ(
      complete_body(parts, true),
      "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1</PartNumber>"
      "<ETag>&quot;a&amp;b&quot;</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part></CompleteMultipartUpload>");
  EXPECT_EQ(complete_body(parts, false).find("Checksum"), std::string::npos);
}

TEST(S3Xml, ReadsAListOfMultipartUploads) {
  const auto page = parse_uploads(
      "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>film.mp4</NextKeyMarker>"
      "<NextUploadIdMarker>B</NextUploadIdMarker><Prefix>film</Prefix>"
      "<Upload><Key>film.mp4</Key><UploadId>A</UploadId><Initiator><ID>arn:us</ID></Initiator>"
      "<Initiated>2023-11-14T22:13:20.250Z</Initiated></Upload>"
      "<Upload><Key>film&amp;.mp4</Key><UploadId>B</UploadId><Initiated>yesterday</Initiated></Upload>"
      "</ListMultipartUploadsResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->uploads.size(), 2U);
  EXPECT_EQ(page->uploads[0].key, "film.mp4");
  EXPECT_EQ(page->uploads[0].upload.id, "A");
  EXPECT_EQ(page->uploads[0].upload.initiator, "arn:us");
  EXPECT_EQ(page->uploads[0].upload.initiated, from_unix_ms(1'700'000'000'250));
  EXPECT_EQ(page->uploads[1].key, "film&.mp4");
  EXPECT_EQ(page->uploads[1].upload.initiated, std::nullopt);
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next_key, "film.mp4");
  EXPECT_EQ(page->next_id, "B");
}

TEST(S3Xml, RefusesHalfAListOfMultipartUploads) {
  EXPECT_FALSE(parse_uploads("<ListPartsResult/>"));
  EXPECT_FALSE(parse_uploads("<ListMultipartUploadsResult><Upload><Key>k</Key></Upload></ListMultipartUploadsResult>"));
  EXPECT_FALSE(
      parse_uploads("<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"));
}

TEST(S3Xml, TimesThatDoNotExistAreNotRead) {
  for (const char* time : {"", "2023-11-14", "2023-13-14T22:13:20Z", "2023-02-30T22:13:20Z", "2023-11-14T24:13:20Z",
                           "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+00:00",
                           "2023-11-14 22:13:20Z", "-023-11-14T22:13:20Z", "2023-11-14T22:13:20.1x2Z"}) {
    const auto page =
        parse_uploads(std::string("<ListMultipartUploadsResult><Upload><UploadId>A</UploadId><Initiated>") + time +
                      "</Initiated></Upload></ListMultipartUploadsResult>");
    ASSERT_TRUE(page) << time;
    EXPECT_EQ(page->uploads[0].upload.initiated, std::nullopt) << time;
  }
}

TEST(IsoTime, ReadsUtcAndNothingElse) {
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01Z"), from_unix_ms(1795550401000));
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01.123Z"), from_unix_ms(1795550401123));
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01.1Z"), from_unix_ms(1795550401100));
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01.12345678901Z"), from_unix_ms(1795550401123));
  for (const std::string_view bad :
       {"", "2026-11-24T20:00:01", "2026-11-24 20:00:01Z", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z",
        "2026-11-24T20:00:01.Z", "2026-11-24T20:00:01+01:00", "1969-12-31T23:59:59Z", "2026-11-24T20:00:0xZ",
        "2026-11-24T20:00:01.1234567890123Z"}) {
    EXPECT_FALSE(parse_iso_time(bad)) << bad;
  }
}

TEST(S3Xml, GrantsToEveryoneAreReadWhateverTheirSpelling) {
  constexpr std::string_view kEveryone = "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>";
  constexpr std::string_view kUsers = "<URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI>";
  const auto grant = [](std::string_view who, std::string_view permission) {
    return fmt::format("<Grant><Permission> {} </Permission><Grantee>{}</Grantee></Grant>", permission, who);
  };
  const auto policy = [](const std::string& grants) {
    return "<AccessControlPolicy><AccessControlList>" + grants + "</AccessControlList></AccessControlPolicy>";
  };
  const std::string owner = grant("<ID>me</ID>", "FULL_CONTROL");
  EXPECT_EQ(parse_public_read(policy(owner + grant(kEveryone, "READ"))), true);
  EXPECT_EQ(parse_public_read(policy(grant(kEveryone, "FULL_CONTROL") + owner)), true);
  EXPECT_EQ(parse_public_read("<s:A xmlns:s='x'><s:AccessControlList><s:Grant><s:Grantee>"
                              "<s:URI>http://acs.amazonaws.com/groups/global/AllUsers</s:URI></s:Grantee>"
                              "<s:Permission>READ</s:Permission></s:Grant></s:AccessControlList></s:A>"),
            true);
  EXPECT_EQ(parse_public_read(policy(owner)), false);
  EXPECT_EQ(parse_public_read(policy(owner + grant(kEveryone, "READ_ACP"))), false) << "of the list, not of the object";
  EXPECT_EQ(parse_public_read(policy(owner + grant(kUsers, "READ"))), false);
  for (const std::string& none : {policy(""), std::string("the object"), std::string(),
                                  std::string("<Error><Code>AccessDenied</Code></Error>")}) {
    EXPECT_EQ(parse_public_read(none), std::nullopt) << none;
  }
}

TEST(S3Xml, ReadsARefusalOfSts) {
  const auto error = parse_sts_error(
      "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></"
      "ErrorResponse>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "AccessDenied");
  EXPECT_EQ(error->message, "no");
  EXPECT_FALSE(parse_sts_error("<AssumeRoleResponse><Error><Code>a</Code></Error></AssumeRoleResponse>"));
}

}  // namespace
}  // namespace vodlift::s3
