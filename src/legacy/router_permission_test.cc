// What a key may do, and what it reaches.
#include "legacy/router_command_test.h"

namespace vodlift::legacy {
namespace {

TEST_F(RouterCommand, AKeyMayDoWhatItsPermissionsSay) {
  const auto with = [&](Permissions permissions) { change_key([&](ApiKey& key) { key.permissions = permissions; }); };
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
  const auto with = [&](const KeyScope& scope) { change_key([&](ApiKey& key) { key.scope = scope; }); };
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
  EXPECT_EQ(uploads_.all().size(), 1U);
}

TEST_F(RouterCommand, StoragesOfAScopedKeyAreThoseItReaches) {
  const auto paths = [&](const std::string& prefix) {
    change_key([&](ApiKey& key) { key.scope.path_prefix = prefix; });
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

}  // namespace
}  // namespace vodlift::legacy
