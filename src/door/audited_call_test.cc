#include "door/audited_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace vodlift::door {
namespace {

using boost::json::array;
using boost::json::object;
using testing::ElementsAre;
using Named = std::pair<std::string_view, std::string>;

class KeptLog final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override { entries.push_back(entry); }
  std::vector<AuditEntry> entries;
};

constexpr std::array kFields = {
    FieldSpec{.name = "bucket", .audited = true},
    FieldSpec{.name = "secret"},
    FieldSpec{.name = "sse", .audited = true},
    FieldSpec{.name = "list", .audited = true},
};

class AuditedCallTest : public testing::Test {
 protected:
  AuditedCall call(const object& request, std::string_view answered = {}) {
    AuditEntry entry;
    entry.command = "bucket.add";
    return {log_, entry, kFields, request, answered};
  }
  KeptLog log_;
};

TEST_F(AuditedCallTest, ShowsAuditedFieldsInTheOrderOfTheSpecs) {
  call({{"sse", "kms"}, {"secret", "x"}, {"bucket", "b"}, {"list", array{1, "two"}}}).failed(Errc::not_found);
  ASSERT_EQ(log_.entries.size(), 1U);
  EXPECT_THAT(log_.entries[0].what,
              ElementsAre(Named("bucket", "b"), Named("sse", "kms"), Named("list", R"([1,"two"])")));
  EXPECT_EQ(log_.entries[0].failure, Errc::not_found);
  EXPECT_EQ(log_.entries[0].command, "bucket.add");
}

TEST_F(AuditedCallTest, TakesWhatTheRequestLacksFromTheAnswer) {
  call({{"bucket", "b"}}, "result").succeeded(object{{"sse", "default"}, {"bucket", "other"}, {"result", "ok"}});
  EXPECT_THAT(log_.entries.at(0).what,
              ElementsAre(Named("bucket", "b"), Named("sse", "default"), Named("result", "ok")));
  EXPECT_FALSE(log_.entries[0].failure);
  EXPECT_EQ(log_.entries[0].upload, 0);
}

TEST_F(AuditedCallTest, NamesTheUploadOfTheAnswer) {
  call({}).succeeded(7);
  call({}).succeeded(object{{"id", 8}});
  call({}).succeeded("text");
  EXPECT_EQ(log_.entries.at(0).upload, 7);
  EXPECT_EQ(log_.entries.at(1).upload, 8);
  EXPECT_EQ(log_.entries.at(2).upload, 0);
}

}  // namespace
}  // namespace vodlift::door
