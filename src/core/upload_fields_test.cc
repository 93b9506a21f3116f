#include "core/upload_fields.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <type_traits>

namespace vodlift {
namespace {

namespace json = boost::json;

// A value of the field's type that is not its default.
json::value sample(const FieldSpec& spec) {
  if (spec.name == "content_type") return "text/vtt";
  if (spec.name == "checksum") return "md5:d41d8cd98f00b204e9800998ecf8427e";
  switch (spec.type) {
    case FieldType::text:
      return "sample";
    case FieldType::word:
      return json::string(spec.words.back());
    case FieldType::pairs:
      return json::object{{"name", "value"}};
    default:
      return nullptr;
  }
}

bool is_option(const UploadField& field) {
  return std::visit([](auto member) { return std::is_invocable_v<decltype(member), const UploadOptions&>; },
                    field.member);
}

json::object all_options() {
  json::object all;
  for (const UploadField& field : upload_fields()) {
    if (is_option(field)) all.emplace(field.spec.name, sample(field.spec));
  }
  return all;
}

TEST(UploadFields, EachOptionComesBackFromItsJson) {
  const json::object all = all_options();
  ASSERT_EQ(all.size(), 7U);
  for (const auto& member : all) {
    const json::object one{{member.key(), member.value()}};
    const auto options = options_from_json(one);
    ASSERT_TRUE(options) << member.key();
    EXPECT_NE(*options, UploadOptions{}) << member.key();
    EXPECT_EQ(options_json(*options), one) << member.key();
    EXPECT_TRUE(validate_options(*options)) << member.key();
  }
  const auto options = options_from_json(all);
  ASSERT_TRUE(options);
  EXPECT_EQ(options_json(*options), all);
}

TEST(UploadFields, OptionsThatWereNotAskedForAreNotInTheJson) {
  EXPECT_EQ(options_json({}), json::object());
  EXPECT_EQ(options_from_json({}), UploadOptions{});
  EXPECT_EQ(options_from_json({{"retry_of", 7}, {"path", 8}}), UploadOptions{});
}

TEST(UploadFields, JsonOfAnotherTypeIsNotRead) {
  for (const auto& member : all_options()) {
    EXPECT_EQ(options_from_json({{member.key(), 1}}), std::nullopt) << member.key();
    EXPECT_EQ(options_from_json({{member.key(), nullptr}}), std::nullopt) << member.key();
  }
  EXPECT_EQ(options_from_json({{"overwrite", "never"}}), std::nullopt);
  EXPECT_EQ(options_from_json({{"tags", json::object{{"a", 1}}}}), std::nullopt);
}

TEST(UploadFields, EachFieldHasANameAMemberAndAnExplanationOfItsOwn) {
  std::set<std::string_view> names;
  std::set<std::string_view> explanations;
  bool after_options = false;
  for (const UploadField& field : upload_fields()) {
    EXPECT_TRUE(names.insert(field.spec.name).second) << field.spec.name;
    EXPECT_TRUE(explanations.insert(field.spec.about).second) << field.spec.name;
    EXPECT_TRUE(is_option(field) || !after_options) << field.spec.name << ": the options come last";
    after_options = is_option(field);
  }
  ASSERT_EQ(upload_field_specs().size(), upload_fields().size());
  EXPECT_EQ(upload_field_specs().back().name, upload_fields().back().spec.name);
}

// What an absent field is read as is what the struct says, too.
TEST(UploadFields, DefaultsAreThoseOfTheStruct) {
  const UploadRequest request;
  const auto text_of = [&](const UploadField& field) -> std::string {
    const auto* acl = std::get_if<Acl UploadRequest::*>(&field.member);
    if (acl != nullptr) return std::string(to_string(request.**acl));
    if (const auto* number = std::get_if<int UploadRequest::*>(&field.member)) return std::to_string(request.**number);
    if (const auto* overwrite = std::get_if<Overwrite UploadOptions::*>(&field.member)) {
      return std::string(to_string(request.options.**overwrite));
    }
    return {};
  };
  for (const UploadField& field : upload_fields()) {
    EXPECT_EQ(field.spec.otherwise, text_of(field)) << field.spec.name;
    for (const std::string_view word : field.spec.words) {
      const bool known = is_option(field) ? overwrite_from(word).has_value() : acl_from(word).has_value();
      EXPECT_TRUE(known) << field.spec.name << " " << word;
    }
  }
}

}  // namespace
}  // namespace vodlift
