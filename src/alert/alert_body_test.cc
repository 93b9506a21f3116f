#include "alert/alert_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace vodlift::alert {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

AlertMessage sample(AlertState state = AlertState::first) {
  AlertMessage message{.state = state, .at = from_unix_ms(1'800'000'000'000), .id = "alert_1"};
  message.cause = {.key = "storage_gone-1",
                   .code = "storage_gone",
                   .severity = "critical",
                   .title = "Storage \"a\\b\" <!channel> is not available.",
                   .detail = "Its files cannot be read.",
                   .fix = "Mount it & see.",
                   .since = from_unix_ms(1'799'999'000'000),
                   .affected = 3,
                   .storage = "a"};
  return message;
}

boost::json::value parsed(std::string_view body, const AlertMessage& message) {
  return boost::json::parse(body_of(body, message, "host"));
}

TEST(AlertBody, JsonHasEverything) {
  const auto json = parsed("json", sample());
  EXPECT_EQ(json.at("state"), "first");
  EXPECT_EQ(json.at("action"), "trigger");
  EXPECT_EQ(json.at("key"), "storage_gone-1");
  EXPECT_EQ(json.at("severity"), "critical");
  EXPECT_EQ(json.at("title"), "Storage \"a\\b\" <!channel> is not available.");
  EXPECT_EQ(json.at("server"), "host");
  EXPECT_EQ(json.at("at"), 1'800'000'000);
  EXPECT_EQ(json.at("since"), 1'799'999'000);
  EXPECT_EQ(json.at("affected"), 3);
  EXPECT_EQ(json.at("storage"), "a");
  EXPECT_EQ(json.as_object().if_contains("bucket"), nullptr);
  EXPECT_EQ(parsed("json", sample(AlertState::resolved)).at("action"), "resolve");
}

TEST(AlertBody, ChatsGetTheText) {
  const std::string text = text_of(sample(), "host");
  EXPECT_EQ(
      text,
      "[CRITICAL] host: Storage \"a\\b\" <!channel> is not available.\nIts files cannot be read.\nWaiting for it: "
      "3\nSince: 2027-01-15 07:43:20 UTC\nWhat to do: Mount it & see.");
  EXPECT_THAT(text_of(sample(AlertState::repeated), "host"), StartsWith("[CRITICAL, STILL] host: "));
  EXPECT_EQ(text_of(sample(AlertState::resolved), "h"), "[RESOLVED] h: Storage \"a\\b\" <!channel> is not available.");
  const std::string slack(parsed("slack", sample()).at("text").as_string());
  EXPECT_THAT(slack, HasSubstr("&lt;!channel&gt;"));
  EXPECT_THAT(slack, HasSubstr("Mount it &amp; see."));
  EXPECT_EQ(parsed("discord", sample()).at("content"), boost::json::value(text));
  EXPECT_EQ(parsed("discord", sample()).at("allowed_mentions").at("parse").as_array().size(), 0U);
  const auto teams = parsed("teams", sample());
  EXPECT_EQ(teams.at("attachments").at(0).at("contentType"), "application/vnd.microsoft.card.adaptive");
}

TEST(AlertBody, ALongTextIsCutBetweenCharacters) {
  AlertMessage message = sample();
  message.cause.detail.clear();
  for (int round = 0; round < 2000; ++round) message.cause.detail += "é";
  const std::string text = text_of(message, "host");
  EXPECT_LE(text.size(), kMaxTextBytes + 3);
  EXPECT_THAT(text, testing::EndsWith("é…"));
}

TEST(AlertBody, ATemplateIsFilledInAndEscaped) {
  constexpr std::string_view kPagerDuty =
      R"({"event_action":"{{action}}","dedup_key":"{{key}}","payload":{"summary":"{{title}} {{text}}","n":{{affected}},"at":{{at}}}})";
  ASSERT_TRUE(check_body(kPagerDuty));
  const auto json = parsed(kPagerDuty, sample());
  EXPECT_EQ(json.at("event_action"), "trigger");
  EXPECT_EQ(json.at("payload").at("n"), 3);
  EXPECT_THAT(std::string(json.at("payload").at("summary").as_string()),
              StartsWith("Storage \"a\\b\" <!channel> is not available. [CRITICAL] host"));
}

TEST(AlertBody, AFaultyTemplateIsRefused) {
  for (const char* good : {"json", "slack", "teams", "discord", "{}", R"({"a":"{{title}}"})"})
    EXPECT_TRUE(check_body(good));
  const auto why = [](std::string_view body) { return check_body(body).error().message; };
  EXPECT_THAT(why("xml"), HasSubstr("expected json, slack, teams, discord, or a template"));
  EXPECT_THAT(why(R"({"a":"{{titel}}"})"), HasSubstr("{{titel: unknown placeholder; they are {{state}}, "));
  EXPECT_THAT(why(R"({"a":"{{title"})"), HasSubstr("unknown placeholder"));
  EXPECT_THAT(why(R"({"a":{{title}}})"), HasSubstr("no JSON once it is filled in"));
  EXPECT_THAT(why(R"({"a":"b)"), HasSubstr("no JSON"));
  EXPECT_THAT(why("{" + std::string(kMaxTemplateBytes, ' ') + "}"), HasSubstr("16384 bytes at most"));
}

}  // namespace
}  // namespace vodlift::alert
