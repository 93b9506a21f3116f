// What an S3 server answers: an error is never taken for success, and ids and parts stay what they can be.
#include "require.h"
#include "s3/s3_xml.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml = vodlift::fuzz::text_of(data, size);
  const auto error = vodlift::s3::parse_error(xml);
  const auto upload_id = vodlift::s3::parse_upload_id(xml);
  const auto parts = vodlift::s3::parse_parts(xml);
  const auto completed = vodlift::s3::parse_completed(xml);
  const auto uploads = vodlift::s3::parse_uploads(xml);
  require(!error || !(upload_id || parts || uploads || completed), "an error is nothing else");
  require(!upload_id || !upload_id->empty(), "an upload id is never empty");
  if (uploads) {
    for (const auto& entry : uploads->uploads) require(!entry.upload.id.empty(), "a listed upload has an id");
  }
  if (!parts) return 0;
  for (const auto& part : parts->parts) {
    require(part.number >= 1 && part.number <= 10000, "part numbers are S3's");
    require(part.size >= 0, "a part has a size");
  }
  return 0;
}
