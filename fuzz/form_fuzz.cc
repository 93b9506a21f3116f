// A form: the input's first line is the Content-Type, what follows is the body.
#include "legacy/form.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = vodlift::fuzz::text_of(data, size);
  const std::size_t line_end = input.find('\n');
  const std::string_view content_type = input.substr(0, line_end);
  std::string body(line_end == std::string_view::npos ? std::string_view() : input.substr(line_end + 1));

  const auto form = vodlift::legacy::parse_form(content_type, body);
  if (!form) return 0;
  // Wherever the parser found it.
  const auto* begin = form->value.data();
  vodlift::fuzz::require(begin >= body.data() && begin + form->value.size() <= body.data() + body.size(),
                         "the value is a piece of the body");
  return 0;
}
