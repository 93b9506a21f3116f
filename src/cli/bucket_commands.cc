#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>
#include <optional>

#include "cli/output.h"
#include "cli/session.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

struct AddOptions {
  std::int64_t cdn = 0;
  std::string bucket;
  std::string endpoint;
  std::string region;
  std::string access_key;
  std::string secret_key_file;
  bool path_style = false;
  std::string acl_policy = "fail";
};

std::string show_added(const value& bucket) {
  return fmt::format("account {} uploads to bucket {} at {}\n", integer_at(bucket, "cdn"), text_at(bucket, "bucket"),
                     text_at(bucket, "endpoint"));
}

std::string show_list(const value& buckets) {
  Table table({"CDN", "BUCKET", "ENDPOINT", "REGION", "ACCESS KEY", "PATH STYLE", "ACL POLICY"});
  for (const value& bucket : buckets.as_array()) {
    table.add({cell(bucket, "cdn"), cell(bucket, "bucket"), cell(bucket, "endpoint"), cell(bucket, "region"),
               cell(bucket, "access_key"), cell(bucket, "path_style"), cell(bucket, "acl_policy")});
  }
  return table.text("no buckets; add one with: vodlift bucket add (see --help)");
}

int run_add(Session& session, const AddOptions& options) {
  const auto secret_key = read_secret(options.secret_key_file);
  if (!secret_key) return session.fail(secret_key.error());
  return session.call_and_show("bucket.add",
                               {{"cdn", options.cdn},
                                {"bucket", options.bucket},
                                {"endpoint", options.endpoint},
                                {"region", options.region},
                                {"access_key", options.access_key},
                                {"secret_key", secret_key->reveal()},
                                {"path_style", options.path_style},
                                {"acl_policy", options.acl_policy}},
                               show_added);
}

}  // namespace

void add_bucket_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("bucket", "Buckets, and how the server reaches them")->require_subcommand(1);

  auto options = std::make_shared<AddOptions>();
  CLI::App* add = noun->add_subcommand("add", "Add a bucket, or replace how it is reached");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  add->add_option("--bucket", options->bucket, "The bucket's name")->required();
  add->add_option("--endpoint", options->endpoint, "The S3 endpoint, http(s)://HOST[:PORT]")
      ->type_name("URL")
      ->required();
  add->add_option("--region", options->region, "The region that requests are signed for")->required();
  add->add_option("--access-key", options->access_key, "The S3 access key")->required();
  add->add_option("--secret-key-file", options->secret_key_file, "A file with the S3 secret key; - is standard input")
      ->type_name("FILE")
      ->required();
  add->add_flag("--path-style", options->path_style, "Address it as ENDPOINT/BUCKET instead of BUCKET.HOST");
  add->add_option("--acl-policy", options->acl_policy, "What to do where the bucket refuses public-read")
      ->check(CLI::IsMember({"fail", "private"}))
      ->capture_default_str();
  session.attach(*add, [&session, options] { return run_add(session, *options); });

  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* list = noun->add_subcommand("list", "List the buckets; never shows secrets");
  list->add_option("--cdn", *cdn, "Only this account's");
  session.attach(*list, [&session, cdn] {
    object fields;
    if (*cdn) fields["cdn"] = **cdn;
    return session.call_and_show("bucket.list", fields, show_list);
  });
}

}  // namespace vodlift::cli
