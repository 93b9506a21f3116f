// What metadata endpoints, STS and AWS files answer: only credentials that can go into headers come out, with an
// expiry.
#include "require.h"
#include "s3/aws_configuration.h"
#include "s3/credentials.h"
#include "s3/s3_xml.h"

using vodlift::fuzz::require;

namespace {

void check(const vodlift::Result<vodlift::s3::Credentials>& found) {
  if (!found) {
    require(found.error().code == vodlift::Errc::s3_credential, "a refusal is one of credentials");
    require(found.error().message.size() < 1000, "a message is short");
    return;
  }
  require(vodlift::s3::are_usable(*found), "what comes out can be signed with");
  require(found->expires.has_value() && !found->session_token.empty(), "temporary credentials expire");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const auto json = vodlift::s3::parse_credentials_json(text);
  const auto sts = vodlift::s3::parse_sts_answer(text, "AssumeRole");
  check(json);
  check(sts);
  require(!(json && sts), "a document is one thing");
  require(!(sts && vodlift::s3::parse_sts_error(text)), "an answer is no refusal");
  if (const auto time = vodlift::s3::parse_iso_time(text)) {
    require(vodlift::to_unix_ms(*time) >= 0 && size <= 40, "a time is one since 1970");
  }
  if (const auto ini = vodlift::s3::parse_ini(text)) {
    for (const auto& [section, settings] : *ini) {
      require(!section.empty(), "a section has a name");
      for (const auto& [name, value] : settings) {
        require(!name.empty(), "a setting has a name");
        require(value.reveal().find_first_of(std::string_view("\n\0", 2)) == std::string_view::npos,
                "a value is one line");
      }
    }
  } else {
    require(ini.error().message.size() < 200, "a message is short, and no part of the file");
  }
  return 0;
}
