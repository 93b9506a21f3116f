// A form: the input's first line is the Content-Type, what follows is the body.
#include <cstdlib>

#include "legacy/form.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = input.find('\n');
  const std::string_view content_type = input.substr(0, line_end);
  std::string body(line_end == std::string_view::npos ? std::string_view() : input.substr(line_end + 1));

  const auto form = vodlift::legacy::parse_form(content_type, body);
  if (!form) return 0;
  // The value is a piece of the body, wherever the parser found it.
  const auto* begin = form->value.data();
  if (begin < body.data() || begin + form->value.size() > body.data() + body.size()) std::abort();
  return 0;
}
