#include "audit/audit_line.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace vodlift::audit {
namespace {

constexpr WallTime kWhen = from_unix_ms(1'795'486'505'042);

AuditEntry entry() {
  AuditEntry one;
  one.door = "api";
  one.address = "192.0.2.7";
  one.cdn = 158;
  one.key_id = 3;
  one.command = "aws.upload";
  one.what = {{"path", "sestore4/jb/film.mp4"}, {"bucket", "videos"}};
  one.upload = 17;
  return one;
}

TEST(AuditLine, TellsWhoWhatAndWhatCameOfIt) {
  EXPECT_EQ(audit_line(entry(), kWhen),
            R"({"time":"2026-11-24T02:15:05.042Z","door":"api","address":"192.0.2.7","cdn":158,"key":3,)"
            R"("command":"aws.upload","what":{"path":"sestore4/jb/film.mp4","bucket":"videos"},)"
            R"("result":"success","upload":17})"
            "\n");
}

TEST(AuditLine, NamesTheFailure) {
  AuditEntry failed = entry();
  failed.failure = Errc::source_not_found;
  failed.upload = 0;
  failed.what.clear();
  failed.key_id = 0;
  EXPECT_EQ(audit_line(failed, kWhen),
            R"({"time":"2026-11-24T02:15:05.042Z","door":"api","address":"192.0.2.7","cdn":158,)"
            R"("command":"aws.upload","result":"failure","error":"source_not_found"})"
            "\n");
}

TEST(AuditLine, WhatAClientSentCannotLeaveItsLineOrItsPlace) {
  AuditEntry hostile = entry();
  hostile.what = {{"path", "a\"}\n{\"time\":\"\x1b[31m\xff"}};
  const std::string line = audit_line(hostile, kWhen);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  const auto parsed = boost::json::parse(line).as_object();
  EXPECT_EQ(parsed.at("what").as_object().at("path").as_string(), "a\"}\\x0a{\"time\":\"\\x1b[31m\\xff");
}

TEST(AuditLine, IsBounded) {
  AuditEntry huge = entry();
  huge.what.clear();
  for (int i = 0; i < 100; ++i) huge.what.emplace_back("path", std::string(100'000, 'x'));
  const std::string line = audit_line(huge, kWhen);
  EXPECT_LT(line.size(), (kMaxValueBytes + 64) * (kMaxFields + 1));
  EXPECT_TRUE(boost::json::parse(line).is_object());
}

}  // namespace
}  // namespace vodlift::audit
