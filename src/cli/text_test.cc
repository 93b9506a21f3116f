#include "cli/text.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cstdlib>

#include "base/file.h"

namespace vodlift::cli {
namespace {

TEST(Output, TableAlignsColumnsByCharacters) {
  Table table({"ID", "NAME", "X"});
  table.add({"1", "müller", "a"});
  table.add({"12345", "b", "c"});
  EXPECT_EQ(table.text("none"),
            "ID     NAME    X\n"
            "1      müller  a\n"
            "12345  b       c\n");
}

TEST(Output, TableMakesForeignTextHarmless) {
  Table table({"NAME"});
  table.add({"\x1b[2Jx\ny"});
  EXPECT_EQ(table.text("none"), "NAME\n\\x1b[2Jx\\x0ay\n");
}

TEST(Output, EmptyTableSaysSo) { EXPECT_EQ(Table({"A"}).text("nothing here"), "nothing here\n"); }

TEST(Output, HumanBytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1024.0 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(2.7 * 1024 * 1024 * 1024), "2.7 GiB");
}

TEST(Output, HumanDuration) {
  EXPECT_EQ(human_duration(-1), "0:00");
  EXPECT_EQ(human_duration(18), "0:18");
  EXPECT_EQ(human_duration(3599), "59:59");
  EXPECT_EQ(human_duration(3723), "1:02:03");
}

TEST(Output, CellsOfAnObject) {
  const auto object = boost::json::parse(R"({"t":"x","e":"","n":-5,"b":true,"z":null,"o":{}})");
  EXPECT_EQ(cell(object, "t"), "x");
  EXPECT_EQ(cell(object, "e"), "-");
  EXPECT_EQ(cell(object, "n"), "-5");
  EXPECT_EQ(cell(object, "b"), "yes");
  EXPECT_EQ(cell(object, "z"), "-");
  EXPECT_EQ(cell(object, "o"), "?");
  EXPECT_EQ(cell(object, "absent"), "-");
  EXPECT_EQ(time_cell(object, "z"), "-");
  EXPECT_EQ(integer_at(object, "n"), -5);
  EXPECT_EQ(integer_at(object, "t"), 0);
  EXPECT_EQ(text_at(object, "n"), "");
  EXPECT_EQ(text_at(boost::json::value(3), "t"), "");
}

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(parse_duration("0")->count(), 0);
  EXPECT_EQ(parse_duration("90s")->count(), 90);
  EXPECT_EQ(parse_duration("30m")->count(), 1800);
  EXPECT_EQ(parse_duration("24h")->count(), 86400);
  EXPECT_EQ(parse_duration("30d")->count(), 2592000);
  for (const std::string_view text : {"", "h", "24", "-1h", "+1h", "1.5h", "1w", "24 h", "99999999d",
                                      "9223372036854775807s", "92233720368547758070s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Moment, IsFromNowOrADay) {
  EXPECT_EQ(parse_moment("24h", 1000), 87400);
  EXPECT_EQ(parse_moment("2023-11-14", 0), 1'699'920'000);
  EXPECT_EQ(parse_moment("2024-02-29", 0), 1'709'164'800);
  for (const std::string_view text : {"2023-02-29", "2023-13-01", "2023-1-1", "14.11.2023", "tomorrow", "2023-11-1x"}) {
    EXPECT_FALSE(parse_moment(text, 0)) << text;
  }
}

TEST(Output, WidthIsWhatATerminalUses) {
  EXPECT_EQ(width_of(""), 0U);
  EXPECT_EQ(width_of("film"), 4U);
  EXPECT_EQ(width_of("\u00e9t\u00e9"), 3U);
  EXPECT_EQ(width_of("e\u0301te\u0301"), 3U) << "combining accents";
  EXPECT_EQ(width_of("\u65e5\u672c\u8a9e.mp4"), 10U);
  EXPECT_EQ(width_of("\ud55c\uad6d"), 4U);
  EXPECT_EQ(width_of("a\xff"
                     "b\xe6\x97"),
            5U)
      << "bytes that are no characters";
}

TEST(Output, ColumnsStandBelowOneAnotherWhateverTheNames) {
  Table table({"NAME", "N"});
  table.add({"\u65e5\u672c\u8a9e", "1"});
  table.add({"e\u0301", "2"});
  EXPECT_EQ(table.text(""), "NAME    N\n\u65e5\u672c\u8a9e  1\ne\u0301       2\n");
}

TEST(Output, ColorsAreForTerminalsThatWantThem) {
  const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal.valid());
  const UniqueFd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_EQ(colored("failed", Color::red, terminal.get()), "\x1b[31mfailed\x1b[0m");
  EXPECT_EQ(colored("failed", Color::red, file.get()), "failed");
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(colored("failed", Color::red, terminal.get()), "failed");
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(colored("failed", Color::red, terminal.get()), "failed");
}

}  // namespace
}  // namespace vodlift::cli
