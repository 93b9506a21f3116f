// Many uploads in one request.
#include <fmt/format.h>

#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

class RestBatchTest : public RestApiTest {
 protected:
  RestBatchTest() {
    add_account();
    succeed("bucket.add", bucket_fields());
  }

  static object batch(const object& more = {}) {
    object fields{{"cdn", 158}, {"path", "sestore4/jb"}, {"bucket", "my_bucket"}};
    for (const auto& [name, given] : more) fields[name] = given;
    return fields;
  }

  static std::string text(const value& of, std::string_view name) { return of.at(name).as_string().c_str(); }
};

TEST_F(RestBatchTest, QueuesWhatIsGoodAndSaysOfEachFileWhatBecameOfIt) {
  const value done = succeed("upload.add_many", batch({{"files", {"film.mp4", "missing.mp4", "../kc/film.mp4"}},
                                                       {"destination_path", "archive/"},
                                                       {"metadata", {{"show", "x"}}},
                                                       {"priority", 7}}));
  EXPECT_EQ(done.at("accepted"), 1);
  EXPECT_EQ(done.at("bytes"), 1000);
  EXPECT_EQ(done.at("refused"), 2);
  EXPECT_TRUE(done.at("next").is_null());
  const auto& items = done.at("items").as_array();
  EXPECT_EQ(
      boost::json::serialize(items[0]),
      R"({"path":"sestore4/jb/film.mp4","destination_path":"archive/film.mp4","size":1000,"id":1,"problem":null})");
  EXPECT_EQ(text(items[1].at("problem"), "code"), "source_not_found");
  EXPECT_TRUE(items[1].at("id").is_null());
  EXPECT_EQ(text(items[2].at("problem"), "code"), "invalid_value");
  const auto queued = uploads_.all();
  ASSERT_EQ(queued.size(), 1U);
  EXPECT_EQ(queued[0].request.destination_path, "archive/film.mp4");
  EXPECT_EQ(queued[0].request.metadata, (Metadata{{"show", "x"}}));
  EXPECT_EQ(queued[0].request.priority, 7);
}

TEST_F(RestBatchTest, WithoutABeginningTheKeyIsThePathInTheUsersFolder) {
  storages_.more = {"season 1/é.mp4"};
  const value done = succeed("upload.add_many", batch({{"path", "sestore4/jb/season 1/"}, {"files", {"é.mp4"}}}));
  EXPECT_EQ(text(done.at("items").as_array().at(0), "destination_path"), "season 1/é.mp4");
}

TEST_F(RestBatchTest, ADryRunSaysWhatWouldBeQueuedAndQueuesNothing) {
  storages_.more = {"a.mp4", "b.mp4"};
  const value would = succeed("upload.add_many", batch({{"recursive", true}, {"dry_run", true}}));
  EXPECT_EQ(would.at("accepted"), 2);
  EXPECT_EQ(would.at("bytes"), 2000);
  EXPECT_EQ(would.at("total"), 2);
  EXPECT_TRUE(would.at("items").as_array().at(0).at("id").is_null());
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RestBatchTest, AFolderGoesOnFromItsCursor) {
  for (int i = 0; i < 1030; ++i) storages_.more.push_back(fmt::format("{:04}.mp4", i));
  const value first = succeed("upload.add_many", batch({{"recursive", true}}));
  EXPECT_EQ(first.at("accepted"), 1000);
  EXPECT_EQ(first.at("total"), 1030);
  ASSERT_EQ(text(first, "next"), "1000");
  const value second = succeed("upload.add_many", batch({{"recursive", true}, {"cursor", first.at("next")}}));
  EXPECT_EQ(second.at("accepted"), 30);
  EXPECT_TRUE(second.at("next").is_null());
  EXPECT_EQ(uploads_.all().size(), 1030U);
}

TEST_F(RestBatchTest, ARepeatGetsTheSameIdsAndAnotherRequestNone) {
  storages_.more = {"a.mp4", "b.mp4"};
  idempotency_key_ = "k";
  const auto ids = [&] {
    const value done = succeed("upload.add_many", batch({{"files", {"a.mp4", "b.mp4"}}}));
    EXPECT_EQ(done.at("bytes"), 2000);
    return boost::json::array{done.at("items").at(0).at("id"), done.at("items").at(1).at("id")};
  };
  const auto first = ids();
  storages_.more = {"c.mp4"};
  EXPECT_EQ(ids(), first) << "also when the files have gone";
  EXPECT_EQ(uploads_.all().size(), 2U);

  const value other = succeed("upload.add_many", batch({{"files", {"a.mp4"}}, {"priority", 9}}));
  EXPECT_EQ(other.at("refused"), 1);
  EXPECT_THAT(text(other.at("items").at(0).at("problem"), "detail"), HasSubstr("from another request"));
}

TEST_F(RestBatchTest, RefusesWhatItCannotDoWhole) {
  storages_.more = {"a.mp4"};
  storages_.complete = false;
  EXPECT_THAT(fail("upload.add_many", batch({{"recursive", true}}), "invalid_value"), HasSubstr("more files than"));
  storages_.complete = true;
  EXPECT_THAT(fail("upload.add_many", batch({{"checksum", "md5:00"}}), "invalid_value"), HasSubstr("checksum"));
  fail("upload.add_many", batch({{"files", {"a.mp4"}}, {"recursive", true}}), "invalid_value");
  fail("upload.add_many", batch({{"path", "sestore4/kc"}}), "source_not_found");
  fail("upload.add_many", batch({{"files", boost::json::array(1001, "a")}}), "invalid_value");
  fail("upload.add_many", batch({{"filter", "["}}), "invalid_value");
  EXPECT_TRUE(uploads_.all().empty());
  const value unknown = succeed("upload.add_many", batch({{"bucket", "unknown"}}));
  EXPECT_EQ(text(unknown.at("items").at(0).at("problem"), "code"), "bucket_not_configured");
}

}  // namespace
}  // namespace vodlift::rest
