// A multipart body between boundaries "b": each part is a piece of the body, in order, and the limits hold.
#include "legacy/multipart.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = vodlift::fuzz::text_of(data, size);
  const auto parts = vodlift::legacy::parse_multipart(body, "b");
  if (!parts) return 0;
  require(parts->size() <= vodlift::legacy::kMaxFormFields, "no more parts than allowed");
  const char* behind = body.data();
  for (const auto& part : *parts) {
    require(part.value.data() >= behind, "parts follow one another");
    behind = part.value.data() + part.value.size();
    require(behind <= body.data() + body.size(), "a part lies within the body");
    require(part.value.find("\r\n--b\r\n") == std::string_view::npos, "no boundary within a part");
  }
  return 0;
}
