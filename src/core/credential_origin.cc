#include "core/credential_origin.h"

#include <array>

namespace vodlift {
namespace {

constexpr std::array kSources = {
    CredentialSource::fixed,    CredentialSource::environment,  CredentialSource::profile, CredentialSource::container,
    CredentialSource::instance, CredentialSource::web_identity, CredentialSource::usual};

}  // namespace

std::string_view to_string(CredentialSource source) {
  switch (source) {
    case CredentialSource::fixed:
      return "static";
    case CredentialSource::environment:
      return "environment";
    case CredentialSource::profile:
      return "profile";
    case CredentialSource::container:
      return "container";
    case CredentialSource::instance:
      return "instance";
    case CredentialSource::web_identity:
      return "web-identity";
    case CredentialSource::usual:
      return "default";
  }
  return "static";
}

std::optional<CredentialSource> credential_source_from(std::string_view word) {
  for (const CredentialSource source : kSources) {
    if (to_string(source) == word) return source;
  }
  return std::nullopt;
}

}  // namespace vodlift
