#include "cli/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, ReadsCellsWithAndWithoutQuotes) {
  const auto rows = parse_csv(
                        "\xEF\xBB\xBF"
                        "a,b,c\r\n1,\"x,\"\"y\"\"\r\nz\",\n\n,\"\",end")
                        .value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_THAT(rows[0].cells, ElementsAre("a", "b", "c"));
  EXPECT_THAT(rows[1].cells, ElementsAre("1", "x,\"y\"\r\nz", ""));
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_THAT(rows[2].cells, ElementsAre("", "", "end"));
  EXPECT_EQ(rows[2].line, 5);
}

TEST(Csv, RefusesWhatHasNoOneReading) {
  for (const char* bad :
       {"", "\n\n", "a\n\"x", "a\n\"x\"y", "a\nx\"y", "a\rb", "a,b\n1", "a\n1,2", "a\n\x01", "a\n\xC3("}) {
    EXPECT_FALSE(parse_csv(bad)) << bad;
  }
  EXPECT_THAT(parse_csv("a,b\n1,2\nSECRET,\"SECRET\"x\n").error().message, testing::Not(HasSubstr("SECRET")));
  EXPECT_THAT(parse_csv("a,b\n1,2\n\"x\ny\",3,4\n").error().message, HasSubstr("line 3: 3 columns"));
}

TEST(Csv, IsBounded) {
  const CsvLimits limits{2, 2, 8};
  EXPECT_TRUE(parse_csv("a,b\n1,2\n3,4\n", limits));
  EXPECT_FALSE(parse_csv("a,b\n1,2\n3,4\n5,6\n", limits));
  EXPECT_FALSE(parse_csv("a,b,c\n", limits));
  EXPECT_TRUE(parse_csv("12345678,\"12345678\"", limits));
  EXPECT_FALSE(parse_csv("123456789", limits));
  EXPECT_FALSE(parse_csv("\"123456789\"", limits));
}

}  // namespace
}  // namespace vodlift::cli
