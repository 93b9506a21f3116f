// What nodes tell each other by NOTIFY: anybody with rights on the database can send it.
#include "postgres/node_news.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto news = vodlift::postgres::node_news_from(vodlift::fuzz::text_of(data, size));
  if (!news) return 0;
  const std::string text = vodlift::postgres::news_text(*news);
  vodlift::fuzz::require(text.size() <= vodlift::postgres::kMostNewsBytes, "it can be sent on");
  const auto again = vodlift::postgres::node_news_from(text);
  vodlift::fuzz::require(again && again->sender == news->sender, "it can be read again");
  return 0;
}
