#include "s3/metadata_names.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {
namespace {

constexpr std::string_view kPrefix = "x-amz-meta-";

bool is_similar(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) { return a == b || (!is_alnum(a) && !is_alnum(b)); });
}

}  // namespace

Metadata metadata_of(const net::HttpResponse& response) {
  Metadata metadata;
  for (const auto& [name, value] : response.headers) {
    if (name.starts_with(kPrefix) && name != kTokenHeader) metadata.emplace(name.substr(kPrefix.size()), value);
  }
  return metadata;
}

std::string kept_as(const Metadata& kept, const std::string& name) {
  if (kept.contains(name)) return name;
  const auto similar = std::ranges::find_if(kept, [&](const auto& one) { return is_similar(one.first, name); });
  return similar == kept.end() ? "" : similar->first;
}

}  // namespace vodlift::s3
