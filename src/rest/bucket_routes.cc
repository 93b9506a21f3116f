// How buckets are reached: their settings.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <mutex>

#include "base/encoding.h"
#include "base/log.h"
#include "core/part_plan.h"
#include "core/upload_request.h"
#include "rest/buckets.h"
#include "rest/imports.h"
#include "rest/removals.h"
#include "rest/rules.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

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
          {"part_size", bucket.part_size},
          {"removing", removing_json(bucket.removing)},
          {"created", to_unix_seconds(bucket.created)}};
}

// How the bucket is reached, and why it takes no uploads, if so. The reason, and the
// profile, are for operators.
object shown_bucket(const Context& context, bool for_operator, const BucketAccess& bucket) {
  object shown = bucket_json(bucket);
  const auto trouble = context.doctor.trouble(bucket);
  if (!trouble) {
    shown["trouble"] = "";
  } else {
    shown["trouble"] =
        for_operator ? printable(trouble->reason, kMaxFindingBytes) : "the server cannot use it now; ask its operator";
  }
  if (!for_operator) shown["profile"] = "";
  return shown;
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

// AWS's own endpoint of a region.
std::string aws_endpoint(std::string_view region) {
  return fmt::format("https://s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

// Fields that the request lacks come from the daemon's environment.
Result<> complete_address(const BucketDefaults& defaults, BucketAccess& bucket) {
  if (bucket.region.empty()) bucket.region = defaults.region;
  if (auto checked = check_region(bucket.region); !checked) return checked;
  if (bucket.endpoint.empty()) bucket.endpoint = defaults.endpoint;
  if (bucket.endpoint.empty()) bucket.endpoint = aws_endpoint(bucket.region);
  auto endpoint = normal_endpoint(bucket.endpoint);
  if (!endpoint) return endpoint.error();
  bucket.endpoint = std::move(*endpoint);
  return {};
}

void give_text(const Fields& fields, std::string_view name, std::string& member) {
  if (fields.has(name)) member = fields.text(name);
}

// Settings that belong to another one go with it, unless they are given too.
void give_credentials(const Fields& fields, BucketAccess& bucket) {
  if (fields.has("credentials")) {
    const auto source = credential_source_from(fields.text("credentials")).value();
    if (source != bucket.credentials.source) {
      bucket.access_key.clear();
      bucket.secret_key = Secret();
      bucket.credentials.profile.clear();
    }
    bucket.credentials.source = source;
  }
  give_text(fields, "access_key", bucket.access_key);
  if (fields.has("secret_key")) bucket.secret_key = Secret(std::string(fields.text("secret_key")));
  give_text(fields, "profile", bucket.credentials.profile);
  give_text(fields, "role_arn", bucket.credentials.role_arn);
  if (bucket.credentials.role_arn.empty()) bucket.credentials.external_id.clear();
  give_text(fields, "external_id", bucket.credentials.external_id);
}

void give_encryption(const Fields& fields, Encryption& encryption) {
  if (fields.has("sse")) {
    encryption.mode = encryption_mode_from(fields.text("sse")).value();
    if (encryption.mode != EncryptionMode::sse_kms) encryption = {encryption.mode, "", false};
  }
  give_text(fields, "kms_key", encryption.kms_key);
  if (fields.has("sse_bucket_key")) encryption.bucket_key = fields.flag("sse_bucket_key");
}

// `bucket` with the settings that the request has.
BucketAccess with_settings(const Fields& fields, BucketAccess bucket) {
  const bool at_aws = !bucket.endpoint.empty() && bucket.endpoint == aws_endpoint(bucket.region);
  give_text(fields, "region", bucket.region);
  if (at_aws) bucket.endpoint = aws_endpoint(bucket.region);
  give_text(fields, "endpoint", bucket.endpoint);
  give_credentials(fields, bucket);
  if (fields.has("path_style")) bucket.path_style = fields.flag("path_style");
  if (fields.has("acl_policy")) bucket.acl_policy = acl_policy_from(fields.text("acl_policy")).value();
  give_encryption(fields, bucket.encryption);
  bucket.max_parts = static_cast<int>(fields.number_if_given("max_parts").value_or(bucket.max_parts));
  bucket.part_size = fields.number_if_given("part_size").value_or(bucket.part_size);
  return bucket;
}

Result<> check_settings(const BucketDefaults& defaults, BucketAccess& bucket) {
  if (auto checked = check_bucket_name(bucket.bucket); !checked) return checked;
  if (auto checked = check_pair(bucket); !checked) return checked;
  if (auto checked = check_origin(bucket.credentials); !checked) return checked;
  if (auto checked = check_encryption(bucket.encryption); !checked) return checked;
  if (bucket.part_size != 0 && bucket.part_size < kMinPartBytes) {
    return Error{Errc::invalid_value, fmt::format("part_size: expected 0 (by the rate), or {} to {} bytes, found {}",
                                                  kMinPartBytes, kMaxPartBytes, bucket.part_size)};
  }
  return complete_address(defaults, bucket);
}

// What differs between two settings of one bucket: {"option", "from", "to"} for each. A secret is not shown.
boost::json::array differences(const BucketAccess& before, const BucketAccess& after) {
  boost::json::array all;
  const object from = bucket_json(before);
  const object to = bucket_json(after);
  for (const auto& [name, value_before] : from) {
    if (name == "created" || name == "removing" || value_before == to.at(name)) continue;
    all.push_back(object{{"option", name}, {"from", value_before}, {"to", to.at(name)}});
  }
  if (before.secret_key.reveal() != after.secret_key.reveal()) {
    all.push_back(object{{"option", "secret_key"}, {"from", "the old one"}, {"to", "a new one"}});
  }
  return all;
}

std::string in_words(const boost::json::array& differences) {
  std::vector<std::string> words;
  for (const value& one : differences) {
    words.push_back(fmt::format("{} from {} to {}", one.at("option").as_string().c_str(),
                                boost::json::serialize(one.at("from")), boost::json::serialize(one.at("to"))));
  }
  return words.empty() ? "nothing" : fmt::format("{}", fmt::join(words, ", "));
}

// Changes of buckets come one after the other: each is made of the settings that it replaces.
std::mutex& changes() {
  static std::mutex mutex;
  return mutex;
}

// Stores the bucket. What waits for its next attempt is tried again with the new settings.
Result<value> store(const Context& context, const BucketAccess& bucket, const BucketAccess* before) {
  if (auto put = context.accounts.put_bucket(bucket); !put) return put.error();
  if (before != nullptr) {
    if (auto woken = context.uploads.wake(bucket.cdn, bucket.bucket); !woken) return woken.error();
  }
  log::info("bucket configured", {{"cdn", bucket.cdn},
                                  {"bucket", bucket.bucket},
                                  {"endpoint", bucket.endpoint},
                                  {"credentials", to_string(bucket.credentials.source)},
                                  {"sse", to_string(bucket.encryption.mode)}});
  object answer = shown_bucket(context, true, bucket);
  answer["changes"] = before == nullptr ? boost::json::array() : differences(*before, bucket);
  return value(std::move(answer));
}

Result<value> add(const Context& context, const Fields& fields) {
  auto made = new_bucket(context, fields);
  if (!made) return made.error();
  BucketAccess bucket = std::move(*made);
  if (const auto account = existing_account(context, bucket.cdn); !account) return account.error();
  const std::lock_guard lock(changes());
  const auto before = context.accounts.find_bucket(bucket.cdn, bucket.bucket);
  if (before && !fields.flag("replace")) {
    return Error{Errc::already_exists,
                 fmt::format("account {} has bucket {} already. `vodlift bucket set` changes single settings and keeps "
                             "the others; --replace replaces all of them, which would change {}",
                             bucket.cdn, bucket.bucket, in_words(differences(*before, bucket)))};
  }
  if (before) bucket.removing = before->removing;
  return store(context, bucket, before.get());
}

Result<value> set(const Context& context, const Fields& fields) {
  const std::lock_guard lock(changes());
  const auto before = existing_bucket(context, fields);
  if (!before) return before.error();
  BucketAccess bucket = with_settings(fields, **before);
  if (fields.has("access_key") && bucket.access_key != (*before)->access_key && !fields.has("secret_key")) {
    return Error{Errc::missing_field, "missing required fields: secret_key (a new access_key has its own)"};
  }
  if (auto checked = check_settings(context.bucket_defaults, bucket); !checked) return checked.error();
  return store(context, bucket, before->get());
}

Result<value> list_buckets(const Context& context, const Caller& caller, const Fields& fields) {
  boost::json::array answer;
  for (const auto& bucket : context.accounts.buckets(fields.number_if_given("cdn"))) {
    answer.push_back(shown_bucket(context, caller.is_operator(), *bucket));
  }
  return collection(std::move(answer));
}

Result<value> show(const Context& context, const Caller& caller, const Fields& fields) {
  const auto bucket = existing_bucket(context, fields);
  if (!bucket) return bucket.error();
  return value(shown_bucket(context, caller.is_operator(), **bucket));
}

Result<value> remove(const Context& context, const Fields& fields) {
  const std::lock_guard lock(changes());
  const auto bucket = existing_bucket(context, fields);
  if (!bucket) return bucket.error();
  return carry_out_removal(context, fields, {RemovableKind::bucket, (*bucket)->cdn, (*bucket)->bucket});
}

value state_of(const Context& context, const object& names) {
  const auto bucket = context.accounts.find_bucket(number_in(names, "cdn"), text_in(names, "bucket"));
  return bucket ? value(bucket_json(*bucket)) : value(nullptr);
}

constexpr FieldSpec text_field(std::string_view name) { return {.name = name, .high = kMaxTextBytes}; }

constexpr FieldSpec kPartSize = {.name = "part_size", .type = FieldType::number, .low = 0, .high = kMaxPartBytes};

// What `bucket.add` and `bucket.set` share; absent settings keep their default, or their present value.
constexpr std::array kSetFields = {
    kCdn,
    kBucket,
    text_field("endpoint"),
    text_field("region"),
    text_field("access_key"),
    text_field("secret_key"),
    flag_field("path_style"),
    FieldSpec{.name = "acl_policy", .type = FieldType::word, .words = kAclPolicies.all()},
    FieldSpec{.name = "credentials", .type = FieldType::word, .words = kCredentialSources.all(), .audited = true},
    text_field("profile"),
    FieldSpec{.name = "role_arn", .high = kMaxTextBytes, .audited = true},
    text_field("external_id"),
    FieldSpec{.name = "sse", .type = FieldType::word, .words = kEncryptionModes.all(), .audited = true},
    FieldSpec{.name = "kms_key", .high = kMaxTextBytes, .audited = true},
    flag_field("sse_bucket_key"),
    FieldSpec{.name = "max_parts", .type = FieldType::number, .low = kLeastMaxParts, .high = kMaxParts},
    kPartSize,
};
constexpr auto kAddFields = [] {
  std::array<FieldSpec, kSetFields.size() + 1> all{};
  std::ranges::copy(kSetFields, all.begin());
  all.back() = {.name = "replace", .type = FieldType::flag, .audited = true};
  return all;
}();
// A bucket that nobody has added is of no account.
constexpr auto kTryFields = [] {
  std::array<FieldSpec, kSetFields.size() + 1> all{};
  std::ranges::copy(kSetFields.begin() + 1, kSetFields.end(), all.begin());
  all[all.size() - 2] = flag_field("policy_only");
  all[all.size() - 1] = flag_field("public_read");
  return all;
}();
static_assert(kSetFields.front().name == kCdn.name);
constexpr std::array kListFields = {kCdnIfGiven};
constexpr std::array kShowFields = {kCdn, kBucket};
constexpr std::array kRemoveFields = {kCdn, kBucket, kRemovalMode};

constexpr std::array kBucketRoutes = {
    Route{.name = "bucket.list",
          .act = Act::read,
          .method = "GET",
          .path = "/buckets",
          .fields = kListFields,
          .run = run_at_once<list_buckets>},
    Route{.name = "bucket.add",
          .act = Act::configure,
          .method = "POST",
          .path = "/buckets",
          .fields = kAddFields,
          .mutating = true,
          .created = "/buckets/{cdn}/{bucket}",
          .state_of = state_of,
          .run = run_at_once<add>},
    Route{.name = "bucket.show",
          .act = Act::read,
          .method = "GET",
          .path = "/buckets/{cdn}/{bucket}",
          .fields = kShowFields,
          .run = run_at_once<show>},
    Route{.name = "bucket.set",
          .act = Act::configure,
          .method = "PATCH",
          .path = "/buckets/{cdn}/{bucket}",
          .fields = kSetFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<set>},
    Route{.name = "bucket.remove",
          .act = Act::configure,
          .method = "DELETE",
          .path = "/buckets/{cdn}/{bucket}",
          .fields = kRemoveFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
};

}  // namespace

Result<std::shared_ptr<const BucketAccess>> existing_bucket(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  const std::string name(fields.text("bucket"));
  if (auto bucket = context.accounts.find_bucket(cdn, name)) return bucket;
  return Error{Errc::not_found, fmt::format("account {} has no bucket {}", cdn, printable(name, 64)),
               "see: vodlift bucket list"};
}

Result<value> try_bucket(BucketDoctor& doctor, const BucketDefaults& defaults, const object& asked) {
  const auto fields = Fields::read(kTryFields, asked, door::Dialect::strict);
  if (!fields) return fields.error();
  BucketAccess bucket;
  bucket.bucket = fields->text("bucket");
  bucket = with_settings(*fields, std::move(bucket));
  if (auto there = check_missing(bucket, *fields, defaults); !there) return there.error();
  if (auto checked = check_settings(defaults, bucket); !checked) return checked.error();
  BucketReport report;
  if (!fields->flag("policy_only")) report = doctor.check(bucket);
  return value(report_json(bucket, report, doctor.policy(bucket, fields->flag("public_read")), /*for_operator=*/true));
}

std::span<const FieldSpec> bucket_fields() { return kSetFields; }

Result<BucketAccess> new_bucket(const Context& context, const Fields& fields) {
  BucketAccess bucket;
  bucket.cdn = fields.number("cdn");
  bucket.bucket = fields.text("bucket");
  bucket = with_settings(fields, std::move(bucket));
  if (auto there = check_missing(bucket, fields, context.bucket_defaults); !there) return there.error();
  if (auto checked = check_settings(context.bucket_defaults, bucket); !checked) return checked.error();
  bucket.created = context.clock.now();
  return bucket;
}

std::vector<std::string> differing(const BucketAccess& one, const BucketAccess& other) {
  auto names = differing_members(bucket_json(one), bucket_json(other), {"created", "removing"});
  if (one.secret_key.reveal() != other.secret_key.reveal()) names.emplace_back("secret_key");
  return names;
}

std::span<const Route> bucket_routes() { return kBucketRoutes; }

}  // namespace vodlift::rest
