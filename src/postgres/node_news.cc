#include "postgres/node_news.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/words.h"

namespace vodlift::postgres {
namespace {

constexpr Words<Change::Kind> kKinds = {
    {Change::Kind::uploads_due, "due"},          {Change::Kind::callbacks_due, "callbacks-due"},
    {Change::Kind::upload_recalled, "recalled"}, {Change::Kind::accounts, "accounts"},
    {Change::Kind::upload_changed, "upload"},    {Change::Kind::callback_changed, "callback"},
};

std::string word_of(const Change& change) {
  return fmt::format(" {},{},{},{}", kKinds.word(change.kind), change.account, change.upload, change.callback);
}

// Takes what comes before `end` off the text.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

bool read_number(std::string_view text, std::int64_t& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string news_text(const NodeNews& news) {
  std::string text = std::to_string(news.sender);
  // Room for one word of each kind that stands for all of it.
  constexpr std::size_t kRoom = Words<Change::Kind>::kCount * 32;
  std::set<Change::Kind> together;
  for (const Change& change : news.changes) {
    if (together.contains(change.kind)) continue;
    const std::string word = word_of(change);
    if (text.size() + word.size() + kRoom > kMostNewsBytes) {
      together.insert(change.kind);
    } else {
      text += word;
    }
  }
  for (const Change::Kind kind : together) text += word_of({.kind = kind});
  return text;
}

std::optional<NodeNews> node_news_from(std::string_view text) {
  NodeNews news;
  if (text.size() > kMostNewsBytes || !read_number(take(text, ' '), news.sender)) return std::nullopt;
  while (!text.empty()) {
    std::string_view word = take(text, ' ');
    const auto kind = kKinds.value(take(word, ','));
    Change change;
    if (!read_number(take(word, ','), change.account) || !read_number(take(word, ','), change.upload) ||
        !read_number(word, change.callback)) {
      return std::nullopt;
    }
    if (!kind) continue;
    change.kind = *kind;
    news.changes.push_back(change);
  }
  return news;
}

}  // namespace vodlift::postgres
