// What the commands answer.
#include "legacy/aws_status.h"
#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

class RouterCommand : public RouterTest {
 protected:
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  // aws.upload of the example, with one piece of its fields replaced.
  boost::json::value upload_with(std::string_view from, std::string_view to) {
    return ask_signed(call_text("aws.upload", replaced(std::string(kUploadFields), from, to)));
  }
  std::string upload_verdict(std::string_view from, std::string_view to) { return verdict(upload_with(from, to)); }
  std::string call_verdict(std::string_view command, std::string_view more = "") {
    return verdict(ask_signed(call_text(command, more)));
  }
  // The example at another second, so that it is another request.
  std::int64_t upload_at(std::int64_t timestamp) {
    const auto envelope =
        ask_signed(replaced(call_text("aws.upload", kUploadFields), std::to_string(kNow), std::to_string(timestamp)));
    return envelope.at("data").as_int64();
  }
};

TEST_F(RouterCommand, UploadAnswersTheIdOfAQueuedUpload) {
  const auto envelope = ask_signed(call_text("aws.upload", kUploadFields));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("message"), "Queued file for upload");
  EXPECT_EQ(envelope.at("data"), 1);
  ASSERT_EQ(uploads_.uploads.size(), 1U);
  const Upload& upload = uploads_.uploads.at(0);
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
  EXPECT_EQ(uploads_.uploads.at(0).request.callback, "");
  EXPECT_EQ(call_verdict("aws.upload"), "0006: missing required fields: path, destination_path, bucket");
  EXPECT_EQ(call_verdict("aws.upload", R"(,"destination_path":"x","acl":7)"),
            "0006: missing required fields: path, bucket");
}

TEST_F(RouterCommand, A50TakesEmptyMetadataInEveryForm) {
  for (const std::string_view metadata : {"[]", "{}"})
    EXPECT_EQ(upload_verdict(R"({"param1":"value1"})", metadata), "success");
  EXPECT_EQ(upload_verdict(R"("metadata":{"param1":"value1"},)", ""), "success");
  EXPECT_EQ(uploads_.uploads.size(), 3U);
}

TEST_F(RouterCommand, UploadTakesAclAndPriority) {
  EXPECT_EQ(upload_verdict("\"private\"", "\"public-read\""), "success");
  EXPECT_EQ(uploads_.uploads.back().request.acl, Acl::public_read);
  EXPECT_EQ(upload_verdict("\"acl\"", R"("priority":"9","acl")"), "success");
  EXPECT_EQ(uploads_.uploads.back().request.priority, 9);
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
    refused("\"value1\"", wrong == "5" ? "5.0" : wrong, "metadata.param1");
  }
  for (const std::string_view wrong : {"5", "null", "true", "\"a\"", "[\"a\",\"b\"]"})
    refused(R"({"param1":"value1"})", wrong, "metadata");
  EXPECT_TRUE(uploads_.uploads.empty());
}

TEST_F(RouterCommand, UploadTakesItsOptions) {
  EXPECT_EQ(upload_verdict("\"acl\"",
                           R"("content_type":"text/vtt","cache_control":"no-store","content_disposition":"inline",)"
                           R"("storage_class":"STANDARD_IA","tags":{"Show":"x","season":2},"overwrite":"fail",)"
                           R"("checksum":"md5:D41D8CD98F00B204E9800998ECF8427E","acl")"),
            "success");
  ASSERT_EQ(uploads_.uploads.size(), 1U);
  const UploadOptions expected{"text/vtt",
                               "no-store",
                               "inline",
                               "STANDARD_IA",
                               {{"Show", "x"}, {"season", "2"}},
                               Overwrite::fail,
                               "md5:d41d8cd98f00b204e9800998ecf8427e"};
  EXPECT_EQ(uploads_.uploads.front().request.options, expected);
}

TEST_F(RouterCommand, UploadRefusesOptionsThatAreWrong) {
  EXPECT_EQ(upload_verdict("\"acl\"", R"("overwrite":"never","acl")"),
            "2001: overwrite: must be replace, keep or fail");
  EXPECT_EQ(upload_verdict("\"acl\"", R"("cache_control":"a\r\nb","acl")"),
            "2001: cache_control: line breaks and control characters are not allowed");
  EXPECT_EQ(upload_verdict("\"acl\"", R"("tags":["x"],"acl")"), "2001: tags: must be an object of names and values");
  EXPECT_TRUE(uploads_.uploads.empty());
}

TEST_F(RouterCommand, AMisspeltFieldIsNotLostWithoutAWord) {
  EXPECT_EQ(upload_verdict("\"acl\"", R"("priorty":9,"acl")"),
            "2001: priorty: there is no such field; did you mean priority?");
  EXPECT_EQ(upload_verdict("\"metadata\"", "\"MetaData\""),
            "2001: MetaData: there is no such field; did you mean metadata?");
  EXPECT_EQ(call_verdict("aws.status", R"(,"ids":[1])"), "2001: ids: there is no such field; did you mean id?");
  EXPECT_EQ(call_verdict("aws.status", R"(,"priorty":9,"user":"jb")"), "success");
  EXPECT_TRUE(uploads_.uploads.empty());
}

TEST_F(RouterCommand, AKeyMayDoWhatItsPermissionsSay) {
  const auto with = [&](Permissions permissions) {
    ApiKey key = FakeAccounts::make_key(1, 158, kApiKey, kSecret);
    key.permissions = permissions;
    static_cast<void>(accounts_.add_key(key));
  };
  const std::map<std::string, Permission> needs = {
      {"aws.upload", Permission::upload}, {"aws.status", Permission::status}, {"files.getstorage", Permission::files}};
  for (const auto& [command, permission] : needs) {
    const std::string fields(command == "aws.upload" ? kUploadFields : "");
    with(Permissions().with(permission));
    EXPECT_EQ(call_verdict(command, fields), "success");
    for (const Permission other : {Permission::upload, Permission::status, Permission::files, Permission::manage}) {
      if (other == permission) continue;
      with(Permissions().with(other));
      EXPECT_EQ(call_verdict(command), "0005: unauthorized access to this API: " + command + " needs the permission " +
                                           std::string(to_string(permission)) +
                                           ", which this key lacks; ask the operator for a key that has it");
    }
  }
  with({});
  EXPECT_TRUE(call_verdict("aws.nothing").starts_with("0000"));
}

TEST_F(RouterCommand, AKeyReachesWhatItsScopeHolds) {
  const auto with = [&](KeyScope scope) {
    ApiKey key = FakeAccounts::make_key(1, 158, kApiKey, kSecret);
    key.scope = std::move(scope);
    static_cast<void>(accounts_.add_key(key));
  };
  with({"sestore4/jb/path", {"my_bucket"}});
  EXPECT_EQ(call_verdict("aws.upload", std::string(kUploadFields)), "success");
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":1)"), "success");
  with({"sestore4/jb/pat", {}});
  EXPECT_EQ(
      call_verdict("aws.upload", std::string(kUploadFields)),
      "0005: unauthorized access to this API: path: this key reaches sestore4/jb/pat and what lies beneath it only")
      << "a repeat too";
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":1)"), "2005: no such upload for this account");
  with({"", {"other"}});
  EXPECT_EQ(call_verdict("aws.upload", std::string(kUploadFields)),
            "0005: unauthorized access to this API: bucket: this key may use other only");
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":1)"), "2005: no such upload for this account");
  EXPECT_EQ(uploads_.uploads.size(), 1U);
}

TEST_F(RouterCommand, StoragesOfAScopedKeyAreThoseItReaches) {
  const auto paths = [&](std::string prefix) {
    ApiKey key = FakeAccounts::make_key(1, 158, kApiKey, kSecret);
    key.scope.path_prefix = std::move(prefix);
    static_cast<void>(accounts_.add_key(key));
    std::vector<std::string> out;
    const auto envelope = ask_signed(call_text("files.getstorage"));
    for (const auto& row : envelope.at("data").as_array()) out.push_back(text_at(row, "path"));
    return out;
  };
  EXPECT_EQ(paths(""), (std::vector<std::string>{"sestore4/jb", "sestore5/jb"}));
  EXPECT_EQ(paths("sestore5"), std::vector<std::string>{"sestore5/jb"});
  EXPECT_EQ(paths("sestore4/jb"), std::vector<std::string>{"sestore4/jb"});
  EXPECT_EQ(paths("sestore4/jb/films"), std::vector<std::string>{"sestore4/jb/films"});
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
  EXPECT_TRUE(uploads_.uploads.empty());
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
  EXPECT_EQ(uploads_.uploads.size(), 1U);
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
  EXPECT_EQ(uploads_.uploads.size(), 1U);
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
  ASSERT_EQ(kStateWords.size(), 6U);
  for (const std::string_view word : kStateWords) {
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
  uploads_.uploads.at(1).state = UploadState::paused;
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
  upload_at(kNow);
  uploads_.uploads.at(0).account = 159;
  const std::string foreign = call_verdict("aws.status", R"(,"id":1)");
  EXPECT_EQ(foreign, "2005: no such upload for this account");
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":12345)"), foreign);
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":[1,12345])"), foreign);
  for (const std::string_view id : {"0", "-1", "9223372036854775808", "[]", "[0]", "null", "\"x\"", "{}"}) {
    EXPECT_TRUE(call_verdict("aws.status", ",\"id\":" + std::string(id)).starts_with("2001: id: ")) << id;
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

TEST_F(RouterCommand, TheTableTellsWhichCommandsChangeSomething) {
  EXPECT_TRUE(find_command("aws.upload")->mutating);
  EXPECT_FALSE(find_command("aws.status")->mutating);
  EXPECT_FALSE(find_command("files.getstorage")->mutating);
  EXPECT_EQ(find_command("aws.uploads"), nullptr);
}

TEST_F(RouterCommand, B22ReadsMayRepeat) {
  const std::string text = signed_json(call_text("aws.status"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(verdict(ask_json(text)), "success");
}

TEST_F(RouterCommand, C26GetstorageTellsTheAccountsFolders) {
  const auto envelope = ask_signed(call_text("files.getstorage"));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(boost::json::serialize(envelope.at("data")),
            R"([{"storage":"sestore4","path":"sestore4/jb","available":true,"bytes_free":123456},)"
            R"({"storage":"sestore5","path":"sestore5/jb","available":false,"bytes_free":0}])");
}

TEST_F(RouterCommand, A58EchoesAnUnknownCommandShortAndHarmless) {
  EXPECT_EQ(call_verdict("aws.uplaod"), "0000: unrecognized API command: aws.uplaod");
  for (const std::string_view command : {"aws.upload ", "AWS.UPLOAD", "", "aws.delete", "files.lists"}) {
    EXPECT_TRUE(call_verdict(command).starts_with("0000: unrecognized API command: ")) << command;
  }
  EXPECT_LT(call_verdict(std::string(10240, 'x')).size(), 120U);
  const net::Response response = ask(form_request(signed_json(call_text("<script>\\u001b[2J\\u202e"))));
  EXPECT_EQ(response.body.find('<'), std::string::npos);
  EXPECT_NE(response.body.find("\\u003cscript\\u003e\\\\x1b[2J\\\\xe2\\\\x80\\\\xae"), std::string::npos)
      << response.body;
  EXPECT_TRUE(verdict(ask_signed(replaced(call_text("x"), "\"x\"", "7"))).starts_with("0000: "));
  EXPECT_TRUE(verdict(ask_signed(replaced(call_text("x"), R"("command":"x",)", ""))).starts_with("0000: "));
}

TEST_F(RouterCommand, EachChangeThatIsAskedForLeavesOneLineInTheAuditLog) {
  EXPECT_EQ(verdict(ask_signed(call_text("aws.upload", kUploadFields))), "success");
  EXPECT_TRUE(call_verdict("aws.upload").starts_with("0006"));
  EXPECT_EQ(verdict(ask_signed(call_text("aws.cancel", R"(,"id":1)"))), "success");
  EXPECT_TRUE(verdict(ask_signed(call_text("aws.pause", R"(,"id":"99")"))).starts_with("2005"));
  EXPECT_EQ(verdict(ask_signed(call_text("aws.status"))), "success");
  ask_json(call_text("aws.cancel", R"(,"id":1,"signature":"AAAA")"));
  EXPECT_EQ(audit_.lines,
            (std::vector<std::string>{
                "aws.upload 158/1 from 192.0.2.7 path=sestore4/jb/path/to/file.mp4 destination_path=path/to/file.mp4 "
                "bucket=my_bucket success 1",
                "aws.upload 158/1 from 192.0.2.7 missing_field 0", "aws.cancel 158/1 from 192.0.2.7 id=1 success 1",
                "aws.pause 158/1 from 192.0.2.7 id=99 upload_not_found 0"}));
}

TEST_F(RouterCommand, HidesWhatBrokeBehindAReference) {
  const auto hidden = [](const std::string& answer) {
    EXPECT_TRUE(answer.starts_with("0004: unexpected error; ")) << answer;
    EXPECT_EQ(answer.find("disk"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("table"), std::string::npos) << answer;
    return answer.substr(answer.rfind(' ') + 1);
  };
  uploads_.failure = Error{Errc::store_failed, "/var/lib/vodlift/queue.db: disk I/O error"};
  const std::string reference = hidden(call_verdict("aws.upload", kUploadFields));
  EXPECT_EQ(reference.size(), 16U);
  EXPECT_NE(hidden(call_verdict("aws.upload", kUploadFields)), reference);
  hidden(call_verdict("aws.status"));
  storages_.gone = true;
  hidden(call_verdict("aws.upload", kUploadFields));
  uploads_.broken = true;
  hidden(call_verdict("aws.status"));
}

TEST_F(RouterCommand, SaysWhenItIsOverloaded) {
  uploads_.failure = Error{Errc::overloaded, "the queue is full"};
  EXPECT_EQ(call_verdict("aws.upload", kUploadFields), "1000: the queue is full");
  uploads_.failure.reset();

  pool_.stop();
  for (const std::string& text :
       {call_text("aws.upload", kUploadFields), call_text("aws.status"), call_text("files.getstorage")}) {
    EXPECT_EQ(verdict(ask_signed(text)),
              "1000: more traffic than usual; nothing was queued, try again in a few minutes");
  }
  EXPECT_TRUE(uploads_.uploads.empty());
}

TEST_F(RouterCommand, NoAnswerHoldsASecret) {
  for (const std::string& text : {call_text("aws.upload", kUploadFields), call_text("aws.status"),
                                  call_text("files.getstorage"), call_text("x")}) {
    const std::string body = ask(form_request(signed_json(text))).body;
    EXPECT_EQ(body.find(kSecret), std::string::npos);
    EXPECT_EQ(body.find(hmac_base64(text, kSecret)), std::string::npos);
    EXPECT_EQ(body.find(kApiKey), std::string::npos);
  }
}

}  // namespace
}  // namespace vodlift::legacy
