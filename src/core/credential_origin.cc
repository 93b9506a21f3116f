#include "core/credential_origin.h"

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<CredentialSource> kSources = {
    {CredentialSource::fixed, "static"},      {CredentialSource::environment, "environment"},
    {CredentialSource::profile, "profile"},   {CredentialSource::container, "container"},
    {CredentialSource::instance, "instance"}, {CredentialSource::web_identity, "web-identity"},
    {CredentialSource::usual, "default"},
};

}  // namespace

std::string_view to_string(CredentialSource source) { return kSources.word(source); }
std::optional<CredentialSource> credential_source_from(std::string_view word) { return kSources.value(word); }

}  // namespace vodlift
