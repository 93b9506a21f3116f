#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "cli/session.h"
#include "cli/text.h"
#include "core/bucket_access.h"
#include "core/part_plan.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxLineBytes = 1000;

template <class Enum>
std::vector<std::string> words(const Words<Enum>& table) {
  return {table.all().begin(), table.all().end()};
}

struct AddOptions {
  std::int64_t cdn = 0;
  std::string bucket;
  std::string endpoint;
  std::string region;
  std::string access_key;
  std::string secret_key_file;
  bool path_style = false;
  std::string acl_policy = "fail";
  std::string credentials;
  std::string profile;
  std::string role_arn;
  std::string external_id;
  std::string sse;
  std::string kms_key;
  bool bucket_key = false;
  std::optional<int> max_parts;
};

struct CheckOptions {
  std::int64_t cdn = 0;
  std::string bucket;
  bool policy_only = false;
  bool public_read = false;
};

std::string show_added(const value& bucket) {
  return fmt::format("account {} uploads to bucket {} at {}\n", integer_at(bucket, "cdn"), text_at(bucket, "bucket"),
                     text_at(bucket, "endpoint"));
}

// "profile media, role arn:aws:iam::…:role/up"
std::string credentials_cell(const value& bucket) {
  std::string text = text_at(bucket, "credentials");
  if (const std::string profile = text_at(bucket, "profile"); !profile.empty()) text += " " + profile;
  if (const std::string role = text_at(bucket, "role_arn"); !role.empty()) text += ", role " + role;
  return text;
}

// "kms alias/films, bucket key"
std::string encryption_cell(const value& bucket) {
  std::string text = text_at(bucket, "sse");
  if (const std::string key = text_at(bucket, "kms_key"); !key.empty()) text += " " + key;
  if (cell(bucket, "sse_bucket_key") == "yes") text += ", bucket key";
  return text;
}

std::string show_list(const value& buckets) {
  Table table({"CDN", "BUCKET", "ENDPOINT", "REGION", "CREDENTIALS", "ACCESS KEY", "PATH STYLE", "ACL POLICY", "SSE",
               "UPLOADS WAIT BECAUSE"});
  for (const value& bucket : buckets.as_array()) {
    table.add({cell(bucket, "cdn"), cell(bucket, "bucket"), cell(bucket, "endpoint"), cell(bucket, "region"),
               credentials_cell(bucket), cell(bucket, "access_key"), cell(bucket, "path_style"),
               cell(bucket, "acl_policy"), encryption_cell(bucket),
               printable(text_at(bucket, "trouble"), kMaxLineBytes)});
  }
  return table.text("no buckets; add one with: vodlift bucket add (see --help)");
}

std::string show_litter(const value& litter) {
  Table table({"CDN", "BUCKET", "KEY", "UPLOAD", "SINCE", "TRIES", "NEXT TRY", "WHY"});
  for (const value& one : litter.as_array()) {
    std::string why = text_at(one, "error");
    if (why.empty()) why = text_at(one, "multipart_id").empty() ? "will be searched for" : "will be aborted";
    table.add({cell(one, "cdn"), cell(one, "bucket"), cell(one, "key"), cell(one, "upload"), time_cell(one, "since"),
               cell(one, "tries"), time_cell(one, "next_try"), why});
  }
  return table.text("no multipart uploads wait to be aborted");
}

// The daemon takes a missing field from its environment or reports it.
int run_add(Session& session, const AddOptions& options) {
  object fields = {{"cdn", options.cdn}, {"bucket", options.bucket}};
  for (const auto& [name, text] :
       std::initializer_list<std::pair<const char*, const std::string&>>{{"endpoint", options.endpoint},
                                                                         {"region", options.region},
                                                                         {"access_key", options.access_key},
                                                                         {"credentials", options.credentials},
                                                                         {"profile", options.profile},
                                                                         {"role_arn", options.role_arn},
                                                                         {"external_id", options.external_id},
                                                                         {"sse", options.sse},
                                                                         {"kms_key", options.kms_key}}) {
    if (!text.empty()) fields[name] = text;
  }
  if (!options.secret_key_file.empty()) {
    const auto secret_key = read_secret(options.secret_key_file);
    if (!secret_key) return session.fail(secret_key.error());
    fields["secret_key"] = secret_key->reveal();
  }
  fields["path_style"] = options.path_style;
  fields["acl_policy"] = options.acl_policy;
  if (options.bucket_key) fields["sse_bucket_key"] = true;
  if (options.max_parts) fields["max_parts"] = *options.max_parts;
  return session.call_and_show("bucket.add", fields, show_added);
}

std::string show_report(const value& report) {
  std::string text;
  for (const value& one : report.at("findings").as_array()) {
    const std::string fix = text_at(one, "fix");
    text += fmt::format("{:<5} {:<12} {}\n", text_at(one, "finding"), text_at(one, "topic"),
                        printable(text_at(one, "message"), kMaxLineBytes));
    if (!fix.empty()) text += fmt::format("{:>19}{}\n", "-> ", printable(fix, kMaxLineBytes));
  }
  const auto* denied = report.as_object().if_contains("access_denied");
  if (denied != nullptr && denied->is_bool() && denied->get_bool()) {
    text += fmt::format("\nThis policy is sufficient:\n{}", text_at(report, "policy"));
  }
  return text;
}

int run_check(Session& session, const CheckOptions& options) {
  const auto report = session.call("bucket.check", {{"cdn", options.cdn},
                                                    {"bucket", options.bucket},
                                                    {"policy_only", options.policy_only},
                                                    {"public_read", options.public_read}});
  if (!report) return session.fail(report.error());
  if (options.policy_only) {
    print(text_at(*report, "policy"));
    return kDone;
  }
  print(session.json() ? boost::json::serialize(*report) + "\n" : show_report(*report));
  return text_at(*report, "result") == "FAIL" ? kFailed : kDone;
}

}  // namespace

void add_bucket_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("bucket", "Buckets, and how the server reaches them")->require_subcommand(1);

  auto options = std::make_shared<AddOptions>();
  CLI::App* add = noun->add_subcommand("add", "Add a bucket, or replace all its settings");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  add->add_option("--bucket", options->bucket, "The bucket's name")->required();
  add->add_option("--endpoint", options->endpoint,
                  "The S3 endpoint, http(s)://HOST[:PORT]; by default that of the daemon's environment, or of AWS")
      ->type_name("URL");
  add->add_option("--region", options->region,
                  "The region that requests are signed for; by default that of the daemon's environment");
  auto* access_key = add->add_option("--access-key", options->access_key, "The S3 access key");
  add->add_option("--secret-key-file", options->secret_key_file,
                  "The file that holds the S3 secret key; - is standard input")
      ->type_name("FILE")
      ->needs(access_key);
  add->add_option("--credentials", options->credentials,
                  "Where the S3 credentials come from: static (--access-key, the default), environment, profile, "
                  "container, instance, web-identity or default (the first of them that has credentials)")
      ->type_name("SOURCE")
      ->check(CLI::IsMember(words(kCredentialSources)).description(""));
  add->add_option("--profile", options->profile, "The profile in the AWS files, with --credentials profile");
  add->add_option("--role-arn", options->role_arn, "The role to assume with those credentials")->type_name("ARN");
  add->add_option("--external-id", options->external_id, "The external id that the role requires");
  add->add_flag("--path-style", options->path_style, "Use the address ENDPOINT/BUCKET instead of BUCKET.HOST");
  add->add_option("--acl-policy", options->acl_policy,
                  "What happens to an upload when the bucket refuses public-read: it fails, or the object is private")
      ->check(CLI::IsMember(words(kAclPolicies)))
      ->capture_default_str();
  auto* sse =
      add->add_option("--sse", options->sse,
                      "Encrypt objects with keys of the store (s3) or of its key management service (kms); by default "
                      "the bucket's own setting applies")
          ->check(CLI::IsMember(words(kEncryptionModes)));
  add->add_option("--kms-key", options->kms_key, "The KMS key, with --sse kms; by default the AWS account's key for S3")
      ->type_name("ID|ARN|ALIAS")
      ->needs(sse);
  add->add_flag("--bucket-key", options->bucket_key, "Use an S3 Bucket Key, with --sse kms: fewer calls to KMS")
      ->needs(sse);
  add->add_option(
         "--max-parts", options->max_parts,
         fmt::format("The most parts that the store takes in one upload, if fewer than the {} of S3", kMaxParts))
      ->check(CLI::Range(kLeastMaxParts, kMaxParts));
  session.attach(*add, [&session, options] { return run_add(session, *options); });

  auto check_options = std::make_shared<CheckOptions>();
  CLI::App* check = noun->add_subcommand("check", "Test whether a bucket takes uploads; says what to change");
  check->add_option("--cdn", check_options->cdn, "The account's number")->required();
  check->add_option("--bucket", check_options->bucket, "The bucket's name")->required();
  check->add_flag("--policy", check_options->policy_only, "Print the smallest sufficient IAM policy; test nothing");
  check->add_flag("--public-read", check_options->public_read, "Include uploads with acl=public-read in the policy");
  session.attach(*check, [&session, check_options] { return run_check(session, *check_options); });

  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* list = noun->add_subcommand("list", "List the buckets, without secrets");
  list->add_option("--cdn", *cdn, "Only those of this account");
  session.attach(*list, [&session, cdn] {
    object fields;
    if (*cdn) fields["cdn"] = **cdn;
    return session.call_and_show("bucket.list", fields, show_list);
  });

  auto whose = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* litter = noun->add_subcommand("litter", "List abandoned multipart uploads that wait to be aborted");
  litter->add_option("--cdn", *whose, "Only those of this account");
  session.attach(*litter, [&session, whose] {
    object fields;
    if (*whose) fields["cdn"] = **whose;
    return session.call_and_show("bucket.litter", fields, show_litter);
  });
}

}  // namespace vodlift::cli
