// What aws.upload takes, what it refuses, and that a repeat gets the first id.
#include "legacy/router_command_test.h"

namespace vodlift::legacy {
namespace {

TEST_F(RouterCommand, UploadAnswersTheIdOfAQueuedUpload) {
  const auto envelope = ask_signed(call_text("aws.upload", kUploadFields));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("message"), "Queued file for upload");
  EXPECT_EQ(envelope.at("data"), 1);
  ASSERT_EQ(uploads_.all().size(), 1U);
  const Upload upload = uploads_.all().at(0);
  EXPECT_EQ(upload.account, 158);
  EXPECT_EQ(upload.size, 1000);
  EXPECT_EQ(upload.request.path, "sestore4/jb/path/to/file.mp4");
  EXPECT_EQ(upload.request.destination_path, "path/to/file.mp4");
  EXPECT_EQ(upload.request.bucket, "my_bucket");
  EXPECT_EQ(upload.request.acl, Acl::private_acl);
  EXPECT_EQ(upload.request.metadata, (Metadata{{"param1", "value1"}}));
  EXPECT_EQ(upload.request.callback, "http://www.mycallbackurl.com/");
  EXPECT_EQ(upload.request.priority, 5);
  EXPECT_EQ(upload_at(kNow + 1), 2);
}

TEST_F(RouterCommand, UploadNeedsThreeFieldsOnly) {
  const auto envelope = ask_signed(call_text(
      "aws.upload",
      R"(,"path":"sestore4/jb/path/to/file.mp4","destination_path":"f.mp4","bucket":"my_bucket","new_field":[1])"));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(uploads_.all().at(0).request.callback, "");
  EXPECT_EQ(call_verdict("aws.upload"), "0006: missing required fields: path, destination_path, bucket");
  EXPECT_EQ(call_verdict("aws.upload", R"(,"destination_path":"x","acl":7)"),
            "0006: missing required fields: path, bucket");
}

TEST_F(RouterCommand, A50TakesEmptyMetadataInEveryForm) {
  for (const std::string_view metadata : {"[]", "{}"})
    EXPECT_EQ(upload_verdict(R"({"param1":"value1"})", metadata), "success");
  EXPECT_EQ(upload_verdict(R"("metadata":{"param1":"value1"},)", ""), "success");
  EXPECT_EQ(uploads_.all().size(), 3U);
}

TEST_F(RouterCommand, UploadTakesAclAndPriority) {
  EXPECT_EQ(upload_verdict("\"private\"", "\"public-read\""), "success");
  EXPECT_EQ(uploads_.all().back().request.acl, Acl::public_read);
  EXPECT_EQ(upload_verdict("\"acl\"", R"("priority":"9","acl")"), "success");
  EXPECT_EQ(uploads_.all().back().request.priority, 9);
  EXPECT_EQ(upload_verdict("\"acl\"", R"("priority":10,"acl")"), "2001: priority: must be a whole number, 0 to 9");
  for (const std::string_view acl : {"\"PUBLIC-READ\"", "\"authenticated-read\"", "\"\""}) {
    EXPECT_EQ(upload_verdict("\"private\"", acl), "2001: acl: must be private or public-read") << acl;
  }
}

TEST_F(RouterCommand, A49NamesTheFieldOfAWrongType) {
  const auto refused = [&](std::string_view from, std::string_view to, std::string_view field) {
    EXPECT_TRUE(upload_verdict(from, to).starts_with("2001: " + std::string(field) + ": must be "))
        << to << upload_verdict(from, to);
  };
  for (const std::string_view wrong : {"5", "null", "true", "[]", "{}", "[\"private\"]", "1.5"}) {
    refused(R"("sestore4\/jb\/path\/to\/file.mp4")", wrong, "path");
    refused(R"("path\/to\/file.mp4")", wrong, "destination_path");
    refused("\"private\"", wrong, "acl");
    refused("\"my_bucket\"", wrong, "bucket");
    refused(R"("www.mycallbackurl.com\/")", wrong, "callback");
  }
  for (const std::string_view wrong : {"[]", "{}", "[\"private\"]"}) refused("\"value1\"", wrong, "metadata.param1");
  for (const std::string_view wrong : {"5", "null", "true", "\"a\"", "[\"a\",\"b\"]"})
    refused(R"({"param1":"value1"})", wrong, "metadata");
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RouterCommand, UploadTakesItsOptions) {
  EXPECT_EQ(upload_verdict("\"acl\"",
                           R"("content_type":"text/vtt","cache_control":"no-store","content_disposition":"inline",)"
                           R"("storage_class":"STANDARD_IA","tags":{"Show":"x","season":2},"overwrite":"fail",)"
                           R"("checksum":"md5:D41D8CD98F00B204E9800998ECF8427E","acl")"),
            "success");
  ASSERT_EQ(uploads_.all().size(), 1U);
  const UploadOptions expected{"text/vtt",
                               "no-store",
                               "inline",
                               "STANDARD_IA",
                               {{"Show", "x"}, {"season", "2"}},
                               Overwrite::fail,
                               "md5:d41d8cd98f00b204e9800998ecf8427e"};
  EXPECT_EQ(uploads_.all().front().request.options, expected);
}

TEST_F(RouterCommand, UploadRefusesOptionsThatAreWrong) {
  EXPECT_EQ(upload_verdict("\"acl\"", R"("overwrite":"never","acl")"),
            "2001: overwrite: must be replace, keep or fail");
  EXPECT_EQ(upload_verdict("\"acl\"", R"("cache_control":"a\r\nb","acl")"),
            "2001: cache_control: line breaks and control characters are not allowed");
  EXPECT_EQ(upload_verdict("\"acl\"", R"("tags":["x"],"acl")"), "2001: tags: must be an object of names and values");
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RouterCommand, AMisspeltFieldIsNotLostWithoutAWord) {
  EXPECT_EQ(upload_verdict("\"acl\"", R"("priorty":9,"acl")"),
            "2001: priorty: there is no such field; did you mean priority?");
  EXPECT_EQ(upload_verdict("\"metadata\"", "\"MetaData\""),
            "2001: MetaData: there is no such field; did you mean metadata?");
  EXPECT_EQ(call_verdict("aws.status", R"(,"ids":[1])"), "2001: ids: there is no such field; did you mean id?");
  EXPECT_EQ(call_verdict("aws.status", R"(,"priorty":9,"user":"jb")"), "success");
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RouterCommand, UploadTellsEachRefusalWithItsCode) {
  constexpr std::string_view kPath = R"(sestore4\/jb\/path\/to\/file.mp4)";
  EXPECT_EQ(upload_verdict(kPath, "sestore4/jb/absent.mp4"), "2002: file sestore4/jb/absent.mp4 does not exist");
  EXPECT_EQ(upload_verdict(kPath, "sestore4/eve/f.mp4"), "2002: file sestore4/eve/f.mp4 does not exist");
  EXPECT_TRUE(upload_verdict(kPath, "sestore{#}/jb/path/to/file.mp4").starts_with("2003: path: sestore{#}"));
  EXPECT_TRUE(upload_verdict(kPath, "sestore9/jb/path/to/file.mp4").starts_with("2003: "));
  EXPECT_TRUE(upload_verdict(kPath, "sestore4/jb/../eve/f.mp4").starts_with("2001: path: "));
  EXPECT_TRUE(upload_verdict("my_bucket", "eves-bucket").starts_with("2004: bucket: eves-bucket is not configured"));
  EXPECT_TRUE(upload_verdict("my_bucket", "a/b").starts_with("2001: bucket: "));
  EXPECT_TRUE(upload_verdict("www.mycallbackurl.com\\/", "http://127.0.0.1/")
                  .starts_with("2001: callback: 127.0.0.1 is a loopback"));
  EXPECT_TRUE(upload_verdict("value1", "a\\r\\nx-amz-acl: public-read").starts_with("2001: metadata.param1: "));
  EXPECT_TRUE(upload_verdict("param1", "x-amz-acl").starts_with("2001: metadata.x-amz-acl: "));
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RouterCommand, B16RepeatsAnswerTheFirstId) {
  const std::string text = signed_json(call_text("aws.upload", kUploadFields));
  const auto first = ask_json(text);
  for (int i = 0; i < 3; ++i) {
    const auto again = ask_json(text);
    EXPECT_EQ(verdict(again), "success");
    EXPECT_EQ(again.at("data"), first.at("data"));
    EXPECT_EQ(again.at("message"), first.at("message"));
  }
  EXPECT_EQ(uploads_.all().size(), 1U);
}

TEST_F(RouterCommand, RepeatsAnswerTheFirstIdEvenWhenTheSourceHasGone) {
  const std::string text = signed_json(call_text("aws.upload", kUploadFields));
  ASSERT_EQ(verdict(ask_json(text)), "success");
  storages_.gone = true;
  EXPECT_EQ(verdict(ask_json(text)), "success");
  EXPECT_EQ(ask_json(text).at("data"), 1);
  EXPECT_EQ(call_verdict("aws.upload", std::string(kUploadFields) + ",\"x\":1").substr(0, 4), "2002");
}

TEST_F(RouterCommand, B20B21ARepeatIsKnownByItsSignedBytes) {
  const std::string text = call_text("aws.upload", kUploadFields);
  EXPECT_EQ(ask_signed(text).at("data"), 1);
  // The same signed bytes with the signature put elsewhere and spelled otherwise.
  const std::string moved = replaced(text, "{", R"({ "\u0073ignature" : ")" + hmac_base64(text, kSecret) + R"(" ,)");
  EXPECT_EQ(ask_json(replaced(moved, "{ ", "{")).at("data"), 1);
  EXPECT_EQ(upload_at(kNow + 1), 2);
  clock_.unix_ms = (kNow + 302) * 1000;
  EXPECT_TRUE(verdict(ask_signed(text)).starts_with("0002"));
}

TEST_F(RouterCommand, B17ParallelRepeatsGetOneId) {
  const std::string text = signed_json(call_text("aws.upload", kUploadFields));
  std::vector<std::thread> threads;
  std::atomic<int> same{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j)
        same += ask(form_request(text)).body.find("\"data\":1,") != std::string::npos ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 160);
  EXPECT_EQ(uploads_.all().size(), 1U);
}

TEST_F(RouterCommand, StatusListsTheNewestFirst) {
  EXPECT_EQ(ask_signed(call_text("aws.status")).at("data"), boost::json::array());
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  const auto envelope = ask_signed(call_text("aws.status"));
  ASSERT_EQ(envelope.at("data").as_array().size(), 3U);
  EXPECT_EQ(envelope.at("data").at(0).at("id"), 3);
  EXPECT_EQ(envelope.at("data").at(0).at("state"), "queued");
  EXPECT_EQ(envelope.at("data").at(2).at("id"), 1);
  EXPECT_EQ(uploads_.last_query.limit, 25);
  EXPECT_EQ(uploads_.last_query.offset, 0);
  EXPECT_EQ(call_verdict("aws.status", R"(,"limit":"100","offset":7)"), "success");
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 7);
  EXPECT_TRUE(uploads_.last_query.ids.empty());
}

TEST_F(RouterCommand, StatusFindsIdsInEveryForm) {
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  for (const std::string_view id : {"2", "\"2\"", "[2]", "[\"2\",2]", "[2,999]"}) {
    const auto envelope = ask_signed(call_text("aws.status", ",\"limit\":1,\"offset\":5,\"id\":" + std::string(id)));
    ASSERT_EQ(verdict(envelope), "success") << id;
    ASSERT_EQ(envelope.at("data").as_array().size(), 1U) << id;
    EXPECT_EQ(envelope.at("data").at(0).at("id"), 2) << id;
  }
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 0);
}

TEST_F(RouterCommand, StatusKeepsToTheStatesAskedFor) {
  ASSERT_EQ(kUploadStates.all().size(), 6U);
  for (const std::string_view word : kUploadStates.all()) {
    EXPECT_EQ(call_verdict("aws.status", R"(,"state":")" + std::string(word) + '"'), "success");
    ASSERT_EQ(uploads_.last_query.states.size(), 1U);
    EXPECT_EQ(to_string(uploads_.last_query.states[0]), word);
  }
  EXPECT_EQ(call_verdict("aws.status", R"(,"state":["failed","queued","failed"],"limit":3,"offset":2)"), "success");
  EXPECT_EQ(uploads_.last_query.states, (std::vector{UploadState::queued, UploadState::failed}));
  EXPECT_EQ(uploads_.last_query.limit, 3);
  EXPECT_EQ(uploads_.last_query.offset, 2);
  EXPECT_EQ(call_verdict("aws.status"), "success");
  EXPECT_TRUE(uploads_.last_query.states.empty());
  EXPECT_EQ(call_verdict("aws.status", R"(,"state":"done")"),
            "2001: state: must be queued, paused, uploading, completed, failed or cancelled");
  EXPECT_EQ(call_verdict("aws.status", R"(,"states":"failed")"),
            "2001: states: there is no such field; did you mean state?");
}

TEST_F(RouterCommand, StatusOfIdsTellsNoneInSuchAStateFromNoneAtAll) {
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  ASSERT_TRUE(uploads_.change({.account = 158, .id = 2, .change = UploadChange::pause, .signature = {}}));
  const auto ids_of = [this](std::string_view fields) {
    const auto envelope = ask_signed(call_text("aws.status", std::string(fields)));
    EXPECT_EQ(verdict(envelope), "success") << fields;
    std::vector<std::int64_t> ids;
    for (const auto& upload : envelope.at("data").as_array()) ids.push_back(upload.at("id").as_int64());
    return ids;
  };
  EXPECT_EQ(ids_of(R"(,"id":[1,2,3],"state":"queued")"), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(ids_of(R"(,"id":[1,2,99],"state":["paused","failed"])"), (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(ids_of(R"(,"id":[1,2,99],"state":"failed")").empty());
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":[98,99],"state":"queued")"), "2005: no such upload for this account");
}

TEST_F(RouterCommand, A72ForeignAndAbsentIdsLookAlike) {
  NewUpload of_another;
  of_another.account = 159;
  uploads_.insert(std::move(of_another), [](const Result<InsertOutcome>& outcome) { EXPECT_EQ(outcome->id, 1); });
  const std::string foreign = call_verdict("aws.status", R"(,"id":1)");
  EXPECT_EQ(foreign, "2005: no such upload for this account");
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":12345)"), foreign);
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":[1,12345])"), foreign);
  for (const std::string_view id : {"0", "-1", "9223372036854775808", "[]", "[0]", "null", "\"x\"", "{}"}) {
    EXPECT_TRUE(call_verdict("aws.status", ",\"id\":" + std::string(id)).starts_with("2001: id: ")) << id;
  }
}

TEST_F(RouterCommand, ARefusedChangeNamesTheUploadItsStateAndWhy) {
  upload_at(kNow);
  ASSERT_EQ(call_verdict("aws.pause", R"(,"id":1)"), "success");
  const std::vector<std::string> reasons = {"it has ended",
                                            "it has ended; send the file again as a new upload",
                                            "it ended just now; send the request again",
                                            "it can only be resumed or cancelled",
                                            "it is being sent",
                                            "it is being cancelled",
                                            "only a paused upload can be resumed"};
  ASSERT_EQ(reasons.size(), Words<ChangeRefusal>::kCount);
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    uploads_.refusal = static_cast<ChangeRefusal>(i);
    const std::string why = ": " + reasons[i];
    EXPECT_EQ(call_verdict("aws.cancel", R"(,"id":1)"), "2005: upload 1 is paused and cannot be cancelled" + why);
    EXPECT_EQ(call_verdict("aws.pause", R"(,"id":1)"), "2005: upload 1 is paused and cannot be paused" + why);
    EXPECT_EQ(call_verdict("aws.resume", R"(,"id":1)"), "2005: upload 1 is paused and cannot be resumed" + why);
    EXPECT_EQ(call_verdict("aws.retry", R"(,"id":1)"), "2005: upload 1 is paused and cannot be retried" + why);
  }
}

TEST_F(RouterCommand, StatusBoundsItsPage) {
  for (const std::string_view wrong : {"0", "101", "-1", "\"a\"", "1.5", "null"}) {
    EXPECT_EQ(call_verdict("aws.status", ",\"limit\":" + std::string(wrong)),
              "2001: limit: must be a whole number, 1 to 100");
  }
  for (const std::string_view wrong : {"-1", "1000001", "9223372036854775807", "null"}) {
    EXPECT_EQ(call_verdict("aws.status", ",\"offset\":" + std::string(wrong)),
              "2001: offset: must be a whole number, 0 to 1000000");
  }
  EXPECT_EQ(call_verdict("aws.status", R"(,"offset":1000000)"), "success");
  EXPECT_EQ(uploads_.last_query.offset, 1'000'000);
  std::string ids = "1";
  for (int i = 2; i <= 101; ++i) ids += "," + std::to_string(i);
  EXPECT_EQ(call_verdict("aws.status", ",\"id\":[" + ids + "]"), "2001: id: a list must hold 1 to 100 ids");
}

}  // namespace
}  // namespace vodlift::legacy
