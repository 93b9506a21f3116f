#include "sink_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::bench {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

SinkRequest request(std::string method, std::string target, HeaderList headers = {}, std::int64_t bytes = 0) {
  const std::size_t mark = target.find('?');
  return {.method = std::move(method),
          .path = target.substr(0, mark),
          .query = mark == std::string::npos ? "" : target.substr(mark + 1),
          .head = {.start_line = "", .headers = std::move(headers)},
          .body_bytes = bytes};
}

std::string upload_id_in(const std::string& body) {
  const std::size_t begin = body.find("<UploadId>") + 10;
  return body.substr(begin, body.find("</UploadId>") - begin);
}

TEST(SinkObjects, AnObjectIsAbsentUntilItIsPut) {
  SinkObjects sink;
  EXPECT_EQ(sink.answer(request("HEAD", "/b/k")).status, 404);
  const auto put = sink.answer(request(
      "PUT", "/b/k", {{"x-amz-checksum-crc32c", "AAAAAA=="}, {"x-amz-meta-param1", "value1"}, {"host", "h"}}, 65536));
  EXPECT_EQ(put.status, 200);
  EXPECT_THAT(put.headers, Contains(Pair("x-amz-checksum-crc32c", "AAAAAA==")));
  const auto head = sink.answer(request("HEAD", "/b/k"));
  EXPECT_EQ(head.content_length, 65536);
  EXPECT_THAT(head.headers, Contains(Pair("x-amz-meta-param1", "value1")));
  EXPECT_THAT(head.headers, Contains(Pair("x-amz-checksum-type", "FULL_OBJECT")));
  EXPECT_THAT(head.headers, ::testing::Not(Contains(Pair("host", "h"))));
  EXPECT_EQ(sink.answer(request("DELETE", "/b/k")).status, 204);
  EXPECT_EQ(sink.answer(request("HEAD", "/b/k")).status, 404);
}

TEST(SinkObjects, TellsWhenARequestCame) {
  SinkObjects sink;
  for (const auto& [method, path] : {std::pair{"PUT", "/b/k"}, std::pair{"POST", "/callbacks/k"}}) {
    SinkRequest one = request(method, path);
    one.arrived_ns = 5;
    EXPECT_EQ(sink.answer(one).status, 200);
    EXPECT_THAT(sink.answer(request("HEAD", path)).headers, Contains(Pair("x-sink-arrived-ns", "5")));
  }
}

TEST(SinkObjects, PoisonIsAFaultOfTheServer) {
  SinkObjects sink;
  EXPECT_EQ(sink.answer(request("PUT", "/poison/k")).status, 500);
  EXPECT_EQ(sink.answer(request("HEAD", "/poison/k")).status, 404);
}

TEST(SinkObjects, TheEtagIsTheMd5ThatTheClientTold) {
  SinkObjects sink;
  const auto put = sink.answer(request("PUT", "/b/k", {{"content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}));
  EXPECT_THAT(put.headers, Contains(Pair("ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"")));
}

TEST(SinkObjects, SignedChunksCountWithoutTheirSignatures) {
  SinkObjects sink;
  sink.answer(request("PUT", "/b/k", {{"x-amz-decoded-content-length", "100"}}, 190));
  EXPECT_EQ(sink.answer(request("HEAD", "/b/k")).content_length, 100);
}

TEST(SinkObjects, AMultipartUploadAddsUpItsParts) {
  SinkObjects sink;
  const auto id = upload_id_in(sink.answer(request("POST", "/b/k?uploads=", {{"x-amz-meta-token", "t"}})).body);
  const std::string query = "uploadId=" + id;
  sink.answer(request("PUT", "/b/k?partNumber=1&" + query, {}, 10));
  const auto part = sink.answer(request("PUT", "/b/k?partNumber=2&" + query, {{"x-amz-checksum-crc32c", "AQ=="}}, 7));
  EXPECT_THAT(part.headers, Contains(Pair("x-amz-checksum-crc32c", "AQ==")));
  sink.answer(request("PUT", "/b/k?partNumber=2&" + query, {}, 5));
  EXPECT_EQ(sink.answer(request("HEAD", "/b/k")).status, 404);
  const auto done = sink.answer(request("POST", "/b/k?" + query, {{"x-amz-checksum-crc32c", "Ag=="}}));
  EXPECT_THAT(done.body, HasSubstr("<ChecksumCRC32C>Ag==</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>"));
  const auto head = sink.answer(request("HEAD", "/b/k"));
  EXPECT_EQ(head.content_length, 15);
  EXPECT_THAT(head.headers, Contains(Pair("x-amz-meta-token", "t")));
  EXPECT_EQ(sink.answer(request("POST", "/b/k?" + query)).status, 404);
}

TEST(SinkObjects, AMultipartUploadKeepsTheAlgorithmThatWasAskedFor) {
  SinkObjects sink;
  const auto created = sink.answer(request("POST", "/b/k?uploads=", {{"x-amz-checksum-algorithm", "CRC32C"}}));
  EXPECT_THAT(created.headers, Contains(Pair("x-amz-checksum-algorithm", "CRC32C")));
}

TEST(SinkObjects, AnAbortedOrUnknownMultipartUploadIsGone) {
  SinkObjects sink;
  const auto id = upload_id_in(sink.answer(request("POST", "/b/k?uploads")).body);
  EXPECT_EQ(sink.answer(request("DELETE", "/b/k?uploadId=" + id)).status, 204);
  EXPECT_EQ(sink.answer(request("PUT", "/b/k?partNumber=1&uploadId=" + id)).status, 404);
  const auto open = upload_id_in(sink.answer(request("POST", "/b/k?uploads")).body);
  EXPECT_EQ(sink.answer(request("PUT", "/b/k?partNumber=0&uploadId=" + open)).status, 400);
  EXPECT_EQ(sink.answer(request("PUT", "/b/k?partNumber=10001&uploadId=" + open)).status, 400);
}

TEST(SinkObjects, BucketsExistAndListEmpty) {
  SinkObjects sink;
  EXPECT_EQ(sink.answer(request("HEAD", "/b")).status, 200);
  EXPECT_EQ(sink.answer(request("PUT", "/b/")).status, 200);
  EXPECT_THAT(sink.answer(request("GET", "/b?list-type=2&prefix=x")).body, HasSubstr("<ListBucketResult"));
  EXPECT_THAT(sink.answer(request("GET", "/b?location")).body, HasSubstr("<LocationConstraint"));
  EXPECT_EQ(sink.answer(request("GET", "/b/k")).status, 501);
}

TEST(SinkObjects, StatsCountWhatIsStoredAndResetForgetsIt) {
  SinkObjects sink;
  sink.answer(request("PUT", "/b/1", {}, 10));
  sink.answer(request("PUT", "/b/2", {}, 20));
  sink.answer(request("PUT", "/b/2", {}, 30));
  EXPECT_THAT(sink.answer(request("GET", "/_sink/stats")).body,
              HasSubstr("\"objects\":2,\"object_bytes\":40,\"body_bytes\":60,\"requests\":3"));
  EXPECT_THAT(sink.answer(request("POST", "/_sink/reset")).body, HasSubstr("\"objects\":0,\"object_bytes\":0"));
}

}  // namespace
}  // namespace vodlift::bench
