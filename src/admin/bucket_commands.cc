#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>

#include "admin/command.h"
#include "admin/rules.h"
#include "base/encoding.h"
#include "base/log.h"
#include "core/upload_request.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxFindingBytes = 1000;
constexpr int kMaxLitter = 1000;  // rows of one answer

object bucket_json(const BucketAccess& bucket) {
  return {{"cdn", bucket.cdn},
          {"bucket", bucket.bucket},
          {"endpoint", bucket.endpoint},
          {"region", bucket.region},
          {"credentials", to_string(bucket.credentials.source)},
          {"access_key", bucket.access_key},
          {"profile", bucket.credentials.profile},
          {"role_arn", bucket.credentials.role_arn},
          {"external_id", bucket.credentials.external_id},
          {"path_style", bucket.path_style},
          {"acl_policy", to_string(bucket.acl_policy)},
          {"sse", to_string(bucket.encryption.mode)},
          {"kms_key", bucket.encryption.kms_key},
          {"sse_bucket_key", bucket.encryption.bucket_key},
          {"max_parts", bucket.max_parts},
          {"created", to_unix_seconds(bucket.created)}};
}

// Names every missing field at once: the key pair unless the credentials have another source, the region unless the
// daemon's environment has one.
Result<> check_missing(const BucketAccess& bucket, const Fields& fields, const BucketDefaults& defaults) {
  std::vector<std::string_view> missing;
  if (bucket.region.empty() && defaults.region.empty()) missing.emplace_back("region");
  bool pair = true;
  for (const std::string_view name : {"access_key", "secret_key"}) {
    if (bucket.credentials.source != CredentialSource::fixed || fields.has(name)) continue;
    missing.push_back(name);
    pair = false;
  }
  if (missing.empty()) return {};
  return Error{Errc::missing_field, fmt::format("missing required fields: {}{}", fmt::join(missing, ", "),
                                                pair ? "" : " (or credentials, which names another source of them)")};
}

Result<> check_pair(const BucketAccess& bucket) {
  if (bucket.credentials.source == CredentialSource::fixed) {
    if (auto checked = check_access_key(bucket.access_key); !checked) return checked;
    return check_secret_key(bucket.secret_key.reveal());
  }
  if (bucket.access_key.empty() && bucket.secret_key.empty()) return {};
  return Error{Errc::invalid_value,
               fmt::format("access_key and secret_key: not allowed with credentials \"{}\", which bring their own",
                           to_string(bucket.credentials.source))};
}

Result<> check_origin(const CredentialOrigin& origin) {
  if (!origin.profile.empty()) {
    if (origin.source != CredentialSource::profile) {
      return Error{Errc::invalid_value, "profile: allowed only with credentials \"profile\""};
    }
    if (auto checked = check_profile(origin.profile); !checked) return checked;
  }
  if (!origin.external_id.empty()) {
    if (origin.role_arn.empty()) return Error{Errc::invalid_value, "external_id: allowed only with role_arn"};
    if (auto checked = check_external_id(origin.external_id); !checked) return checked;
  }
  return origin.role_arn.empty() ? Result<>() : check_role_arn(origin.role_arn);
}

Result<> check_encryption(const Encryption& encryption) {
  if (encryption.mode != EncryptionMode::sse_kms) {
    if (!encryption.kms_key.empty()) return Error{Errc::invalid_value, "kms_key: allowed only with sse \"kms\""};
    if (encryption.bucket_key) return Error{Errc::invalid_value, "sse_bucket_key: allowed only with sse \"kms\""};
  }
  return encryption.kms_key.empty() ? Result<>() : check_kms_key(encryption.kms_key);
}

// Fields that the request lacks come from the daemon's environment.
Result<> complete_address(const BucketDefaults& defaults, BucketAccess& bucket) {
  if (bucket.region.empty()) bucket.region = defaults.region;
  if (auto checked = check_region(bucket.region); !checked) return checked;
  if (bucket.endpoint.empty()) bucket.endpoint = defaults.endpoint;
  if (bucket.endpoint.empty()) {
    bucket.endpoint =
        fmt::format("https://s3.{}.amazonaws.com{}", bucket.region, bucket.region.starts_with("cn-") ? ".cn" : "");
  }
  auto endpoint = normal_endpoint(bucket.endpoint);
  if (!endpoint) return endpoint.error();
  bucket.endpoint = std::move(*endpoint);
  return {};
}

BucketAccess read_bucket(const Fields& fields) {
  BucketAccess bucket;
  bucket.cdn = fields.number("cdn");
  bucket.bucket = fields.text("bucket");
  bucket.endpoint = fields.text("endpoint");
  bucket.region = fields.text("region");
  bucket.access_key = fields.text("access_key");
  bucket.secret_key = Secret(std::string(fields.text("secret_key")));
  bucket.path_style = fields.flag("path_style");
  bucket.acl_policy = acl_policy_from(fields.text("acl_policy")).value();
  bucket.credentials.source = credential_source_from(fields.text("credentials")).value();
  bucket.credentials.profile = fields.text("profile");
  bucket.credentials.role_arn = fields.text("role_arn");
  bucket.credentials.external_id = fields.text("external_id");
  bucket.encryption.mode = encryption_mode_from(fields.text("sse")).value();
  bucket.encryption.kms_key = fields.text("kms_key");
  bucket.encryption.bucket_key = fields.flag("sse_bucket_key");
  bucket.max_parts = static_cast<int>(fields.number_if_given("max_parts").value_or(kMaxParts));
  return bucket;
}

Result<value> add(const Context& context, const Fields& fields) {
  BucketAccess bucket = read_bucket(fields);
  if (auto there = check_missing(bucket, fields, context.bucket_defaults); !there) return there.error();
  if (auto checked = check_bucket_name(bucket.bucket); !checked) return checked.error();
  if (auto checked = check_pair(bucket); !checked) return checked.error();
  if (auto checked = check_origin(bucket.credentials); !checked) return checked.error();
  if (auto checked = check_encryption(bucket.encryption); !checked) return checked.error();
  if (auto completed = complete_address(context.bucket_defaults, bucket); !completed) return completed.error();
  if (const auto account = existing_account(context, bucket.cdn); !account) return account.error();
  bucket.created = context.clock.now();

  if (auto put = context.accounts.put_bucket(bucket); !put) return put.error();
  log::info("bucket configured", {{"cdn", bucket.cdn},
                                  {"bucket", bucket.bucket},
                                  {"endpoint", bucket.endpoint},
                                  {"credentials", to_string(bucket.credentials.source)},
                                  {"sse", to_string(bucket.encryption.mode)}});
  return value(bucket_json(bucket));
}

object finding_json(const BucketFinding& one) {
  return {{"topic", one.topic},
          {"finding", to_string(one.finding)},
          {"message", printable(one.message, kMaxFindingBytes)},
          {"fix", printable(one.fix, kMaxFindingBytes)}};
}

Result<value> check(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  const std::string name(fields.text("bucket"));
  const bool policy_only = fields.flag("policy_only");
  const bool public_read = fields.flag("public_read");
  const auto bucket = context.accounts.find_bucket(cdn, name);
  if (!bucket) {
    return Error{Errc::not_found,
                 fmt::format("account {} has no bucket {}; see: vodlift bucket list", cdn, printable(name, 64))};
  }
  BucketReport report;
  if (!policy_only) report = context.doctor.check(*bucket);
  boost::json::array findings;
  for (const BucketFinding& one : report.findings) findings.push_back(finding_json(one));
  return value(object{{"cdn", cdn},
                      {"bucket", name},
                      {"result", to_string(report.worst())},
                      {"access_denied", report.access_denied},
                      {"findings", std::move(findings)},
                      {"policy", context.doctor.policy(*bucket, public_read)}});
}

Result<value> list(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  boost::json::array answer;
  for (const auto& bucket : context.accounts.buckets(cdn)) {
    object one = bucket_json(*bucket);
    one["trouble"] = printable(context.doctor.trouble(*bucket), kMaxFindingBytes);
    answer.push_back(std::move(one));
  }
  return value(std::move(answer));
}

Result<value> litter(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  const auto left =
      context.ledger.abandoned(cdn, static_cast<int>(fields.number_if_given("limit").value_or(kMaxLitter)));
  if (!left) return left.error();
  boost::json::array answer;
  for (const AbandonedMultipart& one : *left) {
    answer.push_back(object{{"cdn", one.account},
                            {"bucket", one.place.bucket},
                            {"endpoint", one.place.endpoint},
                            {"key", one.place.key},
                            {"multipart_id", one.multipart_id},
                            {"upload", one.upload},
                            {"since", to_unix_seconds(one.abandoned)},
                            {"tries", one.attempts},
                            {"next_try", to_unix_seconds(one.next_attempt)},
                            {"error", one.error}});
  }
  return value(std::move(answer));
}

constexpr FieldSpec kBucket = {.name = "bucket", .required = true, .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec text_field(std::string_view name) { return {.name = name, .high = kMaxTextBytes}; }
constexpr FieldSpec flag_field(std::string_view name) { return {.name = name, .type = FieldType::flag}; }

constexpr std::array kAddFields = {
    kCdn,
    kBucket,
    text_field("endpoint"),
    text_field("region"),
    text_field("access_key"),
    text_field("secret_key"),
    flag_field("path_style"),
    FieldSpec{.name = "acl_policy", .type = FieldType::word, .words = kAclPolicies.all(), .otherwise = "fail"},
    FieldSpec{.name = "credentials",
              .type = FieldType::word,
              .words = kCredentialSources.all(),
              .otherwise = "static",
              .audited = true},
    text_field("profile"),
    FieldSpec{.name = "role_arn", .high = kMaxTextBytes, .audited = true},
    text_field("external_id"),
    FieldSpec{.name = "sse",
              .type = FieldType::word,
              .words = kEncryptionModes.all(),
              .otherwise = "default",
              .audited = true},
    FieldSpec{.name = "kms_key", .high = kMaxTextBytes, .audited = true},
    flag_field("sse_bucket_key"),
    FieldSpec{.name = "max_parts", .type = FieldType::number, .low = kLeastMaxParts, .high = kMaxParts},
};
constexpr std::array kCheckFields = {kCdn, kBucket, flag_field("policy_only"), flag_field("public_read")};
constexpr std::array kListFields = {kCdnIfGiven};
constexpr std::array kLitterFields = {
    kCdnIfGiven,
    FieldSpec{.name = "limit", .type = FieldType::number, .low = 1, .high = kMaxLitter},
};

constexpr std::array kCommands = {
    Command{.name = "bucket.add", .mutating = true, .fields = kAddFields, .run = run_at_once<add>},
    Command{.name = "bucket.check",
            .mutating = true,  // it writes to the bucket
            .fields = kCheckFields,
            .audited_answer = "result",
            .run = run_at_once<check>},
    Command{.name = "bucket.litter", .fields = kLitterFields, .run = run_at_once<litter>},
    Command{.name = "bucket.list", .fields = kListFields, .run = run_at_once<list>},
};

}  // namespace

std::span<const Command> bucket_commands() { return kCommands; }

}  // namespace vodlift::admin
