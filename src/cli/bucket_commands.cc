#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "cli/removal_commands.h"
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

// Of `bucket add` and `bucket set`. What is not given is not sent.
struct Settings {
  std::int64_t cdn = 0;
  std::string bucket;
  std::map<std::string, std::optional<std::string>> texts;  // by the field's name
  std::string secret_key_file;
  bool path_style = false;
  bool no_path_style = false;
  bool bucket_key = false;
  bool no_bucket_key = false;
  std::optional<int> max_parts;
  std::optional<std::int64_t> part_size;
  bool replace = false;
};

struct CheckOptions {
  std::int64_t cdn = 0;
  std::string bucket;
  bool policy_only = false;
  bool public_read = false;
};

std::string show_stored(const value& bucket) {
  std::string text = fmt::format("account {} uploads to bucket {} at {}\n", integer_at(bucket, "cdn"),
                                 text_at(bucket, "bucket"), text_at(bucket, "endpoint"));
  const auto* changes = bucket.as_object().if_contains("changes");
  if (changes == nullptr || !changes->is_array()) return text;
  for (const value& one : changes->get_array()) {
    text += fmt::format("  {}: {} -> {}\n", text_at(one, "option"), printable(cell(one, "from"), kMaxLineBytes),
                        printable(cell(one, "to"), kMaxLineBytes));
  }
  return text;
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

std::string show_list(const boost::json::array& buckets) {
  Table table({"CDN", "BUCKET", "ENDPOINT", "REGION", "CREDENTIALS", "ACCESS KEY", "PATH STYLE", "ACL POLICY", "SSE",
               "TAKES NO UPLOADS BECAUSE"});
  for (const value& bucket : buckets) {
    std::string trouble = text_at(bucket, "trouble");
    if (integer_at(bucket, "removing") != 0) trouble = "it is being removed";
    table.add({cell(bucket, "cdn"), cell(bucket, "bucket"), cell(bucket, "endpoint"), cell(bucket, "region"),
               credentials_cell(bucket), cell(bucket, "access_key"), cell(bucket, "path_style"),
               cell(bucket, "acl_policy"), encryption_cell(bucket), printable(trouble, kMaxLineBytes)});
  }
  return table.text("no buckets; add one with: vodlift bucket add (see --help)");
}

std::string show_litter(const boost::json::array& litter) {
  Table table({"CDN", "BUCKET", "KEY", "UPLOAD", "SINCE", "TRIES", "NEXT TRY", "WHY"});
  for (const value& one : litter) {
    std::string why = text_at(one, "error");
    if (why.empty()) why = text_at(one, "multipart_id").empty() ? "will be searched for" : "will be aborted";
    table.add({cell(one, "cdn"), cell(one, "bucket"), cell(one, "key"), cell(one, "upload"), time_cell(one, "since"),
               cell(one, "tries"), time_cell(one, "next_try"), why});
  }
  return table.text("no multipart uploads wait to be aborted");
}

std::string path_of(std::int64_t cdn, std::string_view bucket) {
  return fmt::format("/buckets/{}/{}", cdn, uri_encode(bucket));
}

// `fields` with the settings that are given. Errors: those of read_secret().
Result<object> with_settings(object fields, const Settings& settings) {
  for (const auto& [name, text] : settings.texts) {
    if (text) fields[name] = *text;
  }
  if (!settings.secret_key_file.empty()) {
    const auto secret_key = read_secret(settings.secret_key_file);
    if (!secret_key) return secret_key.error();
    fields["secret_key"] = secret_key->reveal();
  }
  if (settings.path_style || settings.no_path_style) fields["path_style"] = settings.path_style;
  if (settings.bucket_key || settings.no_bucket_key) fields["sse_bucket_key"] = settings.bucket_key;
  if (settings.max_parts) fields["max_parts"] = *settings.max_parts;
  if (settings.part_size) fields["part_size"] = *settings.part_size;
  if (settings.replace) fields["replace"] = true;
  return fields;
}

// The daemon takes a missing field from its environment, keeps its present value or reports it.
int run_store(Session& session, bool is_new, const Settings& settings) {
  object named;
  if (is_new) named = {{"cdn", settings.cdn}, {"bucket", settings.bucket}};
  const auto fields = with_settings(std::move(named), settings);
  if (!fields) return session.fail(fields.error());
  if (is_new) return session.call_and_show({"POST", "/buckets", *fields}, show_stored);
  return session.call_and_show({"PATCH", path_of(settings.cdn, settings.bucket), *fields}, show_stored);
}

// The last line: what all the others mean.
std::string verdict_of(const value& report) {
  std::vector<std::string> failed;
  for (const value& one : report.at("findings").as_array()) {
    if (text_at(one, "finding") == "FAIL") failed.push_back(text_at(one, "topic"));
  }
  const std::string bucket = printable(text_at(report, "bucket"));
  if (!failed.empty()) {
    return fmt::format(
        "\nUploads to bucket {} do not work: {} {} failed. Do what stands behind ->, then check again.\n", bucket,
        fmt::join(failed, ", "), failed.size() == 1 ? "has" : "have");
  }
  if (text_at(report, "result") == "ok") return fmt::format("\nBucket {} takes uploads.\n", bucket);
  return fmt::format(
      "\nBucket {} takes uploads; each warning above says what does not work, or what could be better.\n", bucket);
}

std::string show_report(const value& report) {
  std::string text;
  for (const value& one : report.at("findings").as_array()) {
    const std::string fix = text_at(one, "fix");
    text += fmt::format("{:<5} {:<12} {}\n", text_at(one, "finding"), text_at(one, "topic"),
                        printable(text_at(one, "message"), kMaxLineBytes));
    if (!fix.empty()) text += fmt::format("{:>19}{}\n", "-> ", printable(fix, kMaxLineBytes));
  }
  text += verdict_of(report);
  const auto* denied = report.as_object().if_contains("access_denied");
  if (denied != nullptr && denied->is_bool() && denied->get_bool()) {
    text += fmt::format("\nThis policy is sufficient:\n{}", text_at(report, "policy"));
  }
  return text;
}

int tell_report(Session& session, const Result<value>& report, bool policy_only) {
  if (!report) return session.fail(report.error());
  if (policy_only) {
    print(text_at(*report, "policy"));
    return kDone;
  }
  print(session.json() ? boost::json::serialize(*report) + "\n" : show_report(*report));
  return text_at(*report, "result") == "FAIL" ? kFailed : kDone;
}

int run_check(Session& session, const CheckOptions& options) {
  const auto report = session.call({"POST",
                                    path_of(options.cdn, options.bucket) + "/check",
                                    {{"policy_only", options.policy_only}, {"public_read", options.public_read}}});
  return tell_report(session, report, options.policy_only);
}

int run_try(Session& session, const Services& services, const Settings& settings, const CheckOptions& options) {
  const auto fields = with_settings(
      {{"bucket", settings.bucket}, {"policy_only", options.policy_only}, {"public_read", options.public_read}},
      settings);
  if (!fields) return session.fail(fields.error());
  return tell_report(session, services.try_bucket(*fields), options.policy_only);
}

void add_credentials(CLI::App& command, const std::shared_ptr<Settings>& settings) {
  auto& texts = settings->texts;
  command.add_option("--access-key", texts["access_key"], "The S3 access key");
  command
      .add_option("--secret-key-file", settings->secret_key_file,
                  "The file that holds the S3 secret key; - is standard input")
      ->type_name("FILE");
  command
      .add_option("--credentials", texts["credentials"],
                  "Where the S3 credentials come from: static (--access-key, the default), environment, profile, "
                  "container, instance, web-identity or default (the first of them that has credentials)")
      ->type_name("SOURCE")
      ->check(CLI::IsMember(words(kCredentialSources)).description(""));
  command.add_option("--profile", texts["profile"], "The profile in the AWS files, with --credentials profile");
  command.add_option("--role-arn", texts["role_arn"], "The role to assume with those credentials")->type_name("ARN");
  command.add_option("--external-id", texts["external_id"], "The external id that the role requires");
}

void add_cdn(CLI::App& command, std::int64_t& cdn) {
  command.add_option("--cdn", cdn, "The account's number")->required();
}

// `of_account`: the bucket is, or will be, that of an account.
std::shared_ptr<Settings> add_settings(CLI::App& command, bool of_account = true) {
  auto settings = std::make_shared<Settings>();
  auto& texts = settings->texts;
  if (of_account) add_cdn(command, settings->cdn);
  command.add_option("--bucket", settings->bucket, "The bucket's name")->required();
  command
      .add_option(
          "--endpoint", texts["endpoint"],
          "The S3 endpoint, http(s)://HOST[:PORT][/PATH]; by default that of the daemon's environment, or of AWS")
      ->type_name("URL");
  command.add_option("--region", texts["region"],
                     "The region that requests are signed for; by default that of the daemon's environment");
  add_credentials(command, settings);
  command.add_flag("--path-style", settings->path_style, "Use the address ENDPOINT/BUCKET instead of BUCKET.HOST");
  command
      .add_option(
          "--acl-policy", texts["acl_policy"],
          "What happens to an upload when the bucket refuses public-read: it fails (the default), or the object "
          "is private")
      ->check(CLI::IsMember(words(kAclPolicies)));
  command
      .add_option("--sse", texts["sse"],
                  "Encrypt objects with keys of the store (s3) or of its key management service (kms); by default the "
                  "bucket's own setting applies")
      ->check(CLI::IsMember(words(kEncryptionModes)));
  command
      .add_option("--kms-key", texts["kms_key"], "The KMS key, with --sse kms; by default the AWS account's key for S3")
      ->type_name("ID|ARN|ALIAS");
  command.add_flag("--bucket-key", settings->bucket_key, "Use an S3 Bucket Key, with --sse kms: fewer calls to KMS");
  command
      .add_option(
          "--max-parts", settings->max_parts,
          fmt::format("The most parts that the store takes in one upload, if fewer than the {} of S3", kMaxParts))
      ->check(CLI::Range(kLeastMaxParts, kMaxParts));
  command
      .add_option(
          "--part-size", settings->part_size,
          "The size of parts, 5MiB to 5GiB, where a proxy takes no larger requests; 0: by the rate (the default)")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false).description(""));
  return settings;
}

void add_what_is_checked(CLI::App& command, CheckOptions& options) {
  command.add_flag("--policy", options.policy_only, "Print the smallest sufficient IAM policy; test nothing");
  command.add_flag("--public-read", options.public_read, "Include uploads with acl=public-read in the policy");
}

}  // namespace

void add_bucket_commands(CLI::App& app, Session& session, const Services& services) {
  CLI::App* noun = app.add_subcommand("bucket", "Buckets, and how the server reaches them")->require_subcommand(1);

  CLI::App* add = noun->add_subcommand("add", "Add a bucket");
  auto added = add_settings(*add);
  add->add_flag("--replace", added->replace, "Replace all settings of a bucket that is there");
  session.attach(*add, [&session, added] { return run_store(session, true, *added); });

  CLI::App* set = noun->add_subcommand("set", "Change settings of a bucket; what is not given stays as it is");
  auto changed = add_settings(*set);
  set->add_flag("--no-path-style", changed->no_path_style, "Use the address BUCKET.HOST again")
      ->excludes("--path-style");
  set->add_flag("--no-bucket-key", changed->no_bucket_key, "Use no S3 Bucket Key any more")->excludes("--bucket-key");
  session.attach(*set, [&session, changed] { return run_store(session, false, *changed); });

  auto check_options = std::make_shared<CheckOptions>();
  CLI::App* check = noun->add_subcommand("check", "Test whether a bucket takes uploads; says what to change");
  add_cdn(*check, check_options->cdn);
  check->add_option("--bucket", check_options->bucket, "The bucket's name")->required();
  add_what_is_checked(*check, *check_options);
  session.attach(*check, [&session, check_options] { return run_check(session, *check_options); });

  CLI::App* attempt = noun->add_subcommand("try", "Test a bucket that is not added; needs no daemon");
  auto tried = add_settings(*attempt, /*of_account=*/false);
  auto wanted = std::make_shared<CheckOptions>();
  add_what_is_checked(*attempt, *wanted);
  session.attach(*attempt,
                 [&session, &services, tried, wanted] { return run_try(session, services, *tried, *wanted); });

  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* list = noun->add_subcommand("list", "List the buckets, without secrets");
  list->add_option("--cdn", *cdn, "Only those of this account");
  session.attach(*list, [&session, cdn] {
    object fields;
    if (*cdn) fields["cdn"] = **cdn;
    return session.list_and_show({"GET", "/buckets", fields}, show_list);
  });

  add_remove_command(*noun, session, "Remove a bucket from vodlift; the bucket at the store stays",
                     [](CLI::App& command) {
                       auto one = std::make_shared<Removable>();
                       one->kind = RemovableKind::bucket;
                       command.add_option("--cdn", one->cdn, "The account's number")->required();
                       command.add_option("--bucket", one->name, "The bucket's name")->required();
                       return one;
                     });

  auto whose = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* litter = noun->add_subcommand("litter", "List abandoned multipart uploads that wait to be aborted");
  litter->add_option("--cdn", *whose, "Only those of this account");
  session.attach(*litter, [&session, whose] {
    object fields;
    if (*whose) fields["cdn"] = **whose;
    return session.list_and_show({"GET", "/litter", fields}, show_litter);
  });
}

}  // namespace vodlift::cli
