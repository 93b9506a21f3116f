// What holds of every command: the table, the audit log, faults of ours, secrets.
#include "legacy/router_command_test.h"

namespace vodlift::legacy {
namespace {

TEST_F(RouterCommand, TheTableSaysWhichCommandsChangeSomething) {
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
  EXPECT_TRUE(uploads_.all().empty());
}

TEST_F(RouterCommand, AFileThatNeedsNoDiskIsQueuedWithoutAnotherThread) {
  storages_.cached = true;
  pool_.stop();
  EXPECT_EQ(call_verdict("aws.upload", kUploadFields), "success");
  EXPECT_EQ(uploads_.all().size(), 1U);
  storages_.gone = true;
  EXPECT_TRUE(call_verdict("aws.upload", kUploadFields).starts_with("1000")) << "a refusal looks for a first answer";
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
