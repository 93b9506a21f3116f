// The commands of people and tokens.
#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::HasSubstr;

object person(const value& cdn, bool invited) {
  return {{"name", "anna"}, {"role", "viewer"},     {"cdn", cdn},
          {"created", 1},   {"last_seen", nullptr}, {"invited", invited}};
}

TEST_F(CliTest, InvitesPeople) {
  object invited = person(nullptr, true);
  invited["setup_token"] = "vll_1";
  answer(invited);
  EXPECT_EQ(run_with_socket({"people", "invite", "anna@x", "--role", "viewer", "--cdn", "158"}), kDone);
  EXPECT_EQ(asked().back(), R"(POST /api/v1/people {"role":"viewer","cdn":158,"name":"anna@x"})");
  EXPECT_THAT(out_, HasSubstr("\n/panel/setup?for=anna#vll_1\n"));
  EXPECT_THAT(out_, HasSubstr("[panel] url")) << "nobody knows the address";
  for (const auto& [panel, only_here] :
       {std::pair("https://panel.example/panel/", false), std::pair("http://127.0.0.1:8080/panel/", true)}) {
    invited["panel_url"] = panel;
    answer(invited);
    out_.clear();
    EXPECT_EQ(run_with_socket({"people", "invite", "anna@x", "--role", "viewer"}), kDone);
    EXPECT_THAT(out_, HasSubstr(panel + std::string("setup?for=anna#vll_1\nGive the link to anna.")));
    EXPECT_EQ(out_.find("Only this machine") != std::string::npos, only_here);
  }
  invited.erase("panel_url");
  answer(invited);
  EXPECT_EQ(run_with_socket({"people", "reset", "anna@x"}), kDone);
  EXPECT_EQ(asked().back(), "POST /api/v1/people/anna%40x/reset {}");
  for (const bool resets : {false, true}) {
    out_.clear();
    EXPECT_EQ(resets ? run_with_socket({"people", "reset", "anna@x", "--quiet"})
                     : run_with_socket({"people", "invite", "anna@x", "--role", "viewer", "--quiet"}),
              kDone);
    EXPECT_EQ(out_, "vll_1\n") << "without it the link cannot be made";
  }
  EXPECT_EQ(run_with_socket({"people", "invite", "anna", "--role", "boss"}), kUsage);
}

TEST_F(CliTest, ListsAndChangesPeople) {
  answer_list({person(nullptr, true), person(158, false)});
  EXPECT_EQ(run_with_socket({"people", "list"}), kDone);
  EXPECT_THAT(out_, HasSubstr("viewer  all "));
  EXPECT_THAT(out_, HasSubstr("invited\n"));
  EXPECT_THAT(out_, HasSubstr("viewer  158 "));
  answer(person(158, false));
  EXPECT_EQ(run_with_socket({"people", "role", "anna", "--role", "customer", "--cdn", "158"}), kDone);
  EXPECT_EQ(asked().back(), R"(PATCH /api/v1/people/anna {"role":"customer","cdn":158})");
  EXPECT_EQ(run_with_socket({"people", "remove", "anna"}), kDone);
  EXPECT_EQ(asked().back(), "DELETE /api/v1/people/anna");
  EXPECT_THAT(out_, HasSubstr("anna is removed"));
}

TEST_F(CliTest, MakesListsAndRemovesTokens) {
  object token{{"id", 3},      {"label", "ci"},      {"owner", "anna"},      {"role", "viewer"}, {"cdn", nullptr},
               {"created", 1}, {"expires", nullptr}, {"last_used", nullptr}, {"token", "vlt_1"}};
  answer(token);
  EXPECT_EQ(run_with_socket({"token", "create", "--owner", "anna", "--label", "ci", "--expires", "2127-01-31"}), kDone);
  EXPECT_EQ(asked().back(), R"(POST /api/v1/tokens {"owner":"anna","label":"ci","expires":4957027200})");
  EXPECT_THAT(out_, HasSubstr("vlt_1\n"));
  out_.clear();
  EXPECT_EQ(run_with_socket({"token", "create", "--owner", "anna", "--label", "ci", "--quiet"}), kDone);
  EXPECT_EQ(out_, "vlt_1\n");
  EXPECT_EQ(run_with_socket({"token", "create", "--owner", "anna", "--label", "ci", "--expires", "soon"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("--expires"));
  token.erase("token");
  answer(token);
  EXPECT_EQ(run_with_socket({"token", "remove", "3"}), kDone);
  EXPECT_EQ(asked().back(), "DELETE /api/v1/tokens/3");
  EXPECT_THAT(out_, HasSubstr("Token 3 (ci) is removed"));
  answer_list({token});
  EXPECT_EQ(run_with_socket({"token", "list"}), kDone);
  EXPECT_THAT(out_, HasSubstr("3   anna   ci "));
}

}  // namespace
}  // namespace vodlift::cli
