#include <array>
#include <boost/json/array.hpp>

#include "admin/command.h"
#include "admin/rules.h"
#include "base/log.h"
#include "core/upload_request.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

object bucket_json(const BucketAccess& bucket) {
  return {{"cdn", bucket.cdn},
          {"bucket", bucket.bucket},
          {"endpoint", bucket.endpoint},
          {"region", bucket.region},
          {"access_key", bucket.access_key},
          {"path_style", bucket.path_style},
          {"acl_policy", to_string(bucket.acl_policy)},
          {"created", to_unix_seconds(bucket.created)}};
}

Result<> check(const BucketAccess& bucket) {
  for (const Result<>& checked :
       {check_bucket_name(bucket.bucket), check_endpoint(bucket.endpoint), check_region(bucket.region),
        check_access_key(bucket.access_key), check_secret_key(bucket.secret_key.reveal())}) {
    if (!checked) return checked.error();
  }
  return {};
}

Result<value> add(const Context& context, Fields& fields) {
  BucketAccess bucket;
  bucket.cdn = read_cdn(fields);
  bucket.bucket = fields.text("bucket");
  bucket.endpoint = fields.text("endpoint");
  bucket.region = fields.text("region");
  bucket.access_key = fields.text("access_key");
  bucket.secret_key = fields.secret("secret_key");
  bucket.path_style = fields.flag("path_style");
  const std::string policy = fields.text_or("acl_policy", to_string(AclPolicy::fail));
  if (auto checked = fields.check(); !checked) return checked.error();
  if (auto checked = check(bucket); !checked) return checked.error();
  const auto acl_policy = acl_policy_from(policy);
  if (!acl_policy) return Error{Errc::invalid_value, "acl_policy: expected \"fail\" or \"private\""};
  bucket.acl_policy = *acl_policy;
  bucket.created = context.clock.now();

  if (auto put = context.accounts.put_bucket(bucket); !put) return put.error();
  log::info("bucket configured", {{"cdn", bucket.cdn}, {"bucket", bucket.bucket}, {"endpoint", bucket.endpoint}});
  return value(bucket_json(bucket));
}

Result<value> list(const Context& context, Fields& fields) {
  const auto cdn = read_cdn_if_given(fields);
  if (auto checked = fields.check(); !checked) return checked.error();
  boost::json::array answer;
  for (const BucketAccess& bucket : context.accounts.buckets(cdn)) answer.push_back(bucket_json(bucket));
  return value(std::move(answer));
}

constexpr std::array kCommands = {
    Command{"bucket.add", run_at_once<add>, "cdn,bucket"},
    Command{"bucket.list", run_at_once<list>},
};

}  // namespace

std::span<const Command> bucket_commands() { return kCommands; }

}  // namespace vodlift::admin
