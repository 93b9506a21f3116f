#include "legacy/form.h"

#include <optional>
#include <span>

#include "base/text.h"
#include "legacy/multipart.h"

namespace vodlift::legacy {
namespace {

// Decodes + and %XX within `text`, which never grows; answers the decoded text.
Result<std::string_view> decode_in_place(std::span<char> text) {
  std::size_t out = 0;
  for (std::size_t in = 0; in < text.size(); ++in) {
    if (text[in] == '+') {
      text[out++] = ' ';
    } else if (text[in] != '%') {
      text[out++] = text[in];
    } else {
      const int high = in + 2 < text.size() ? hex_digit(text[in + 1]) : -1;
      const int low = in + 2 < text.size() ? hex_digit(text[in + 2]) : -1;
      if (high < 0 || low < 0) return Error{Errc::bad_request, "form: a % is not followed by two hexadecimal digits"};
      text[out++] = static_cast<char>(high * 16 + low);
      in += 2;
    }
  }
  return std::string_view(text.data(), out);
}

// Keeps the field that holds the call and refuses a second one.
class Picker {
 public:
  explicit Picker(std::optional<Form::Field>& seen) : seen_(seen) {}

  Result<> take(std::string_view name, std::string_view value) {
    const bool json = name == "json";
    if (!json && name != "php") return {};
    const Form::Field field = json ? Form::Field::json : Form::Field::php;
    if (form_) {
      if (form_->field != field) seen_.reset();
      return Error{Errc::invalid_value, form_->field == field ? "form: the field " + std::string(name) + " occurs twice"
                                                              : "form: has both fields json and php; send one of them"};
    }
    form_ = Form{field, value};
    seen_ = field;
    return {};
  }

  Result<Form> picked() const {
    if (!form_) return Error{Errc::missing_field, "form: the field json is missing; it holds the request"};
    return *form_;
  }

 private:
  std::optional<Form::Field>& seen_;
  std::optional<Form> form_;
};

Result<Form> parse_urlencoded(std::string& body, Picker picker) {
  std::size_t fields = 0;
  std::span<char> rest(body);
  while (!rest.empty()) {
    const std::string_view view(rest.data(), rest.size());
    const std::size_t end = std::min(view.find('&'), view.size());
    const std::span<char> field = rest.first(end);
    rest = rest.subspan(std::min(end + 1, rest.size()));
    if (field.empty()) continue;
    if (++fields > kMaxFormFields) return Error{Errc::too_large, "form: more than 16 fields"};

    const std::size_t equals = std::min(view.substr(0, end).find('='), end);
    const auto name = decode_in_place(field.first(equals));
    if (!name) return name.error();
    const auto value = decode_in_place(field.subspan(std::min(equals + 1, end)));
    if (!value) return value.error();
    if (auto taken = picker.take(*name, *value); !taken) return taken.error();
  }
  return picker.picked();
}

Result<Form> pick_from_multipart(std::string_view body, const HeaderValue& type, Picker picker) {
  const std::string* boundary = type.param("boundary");
  if (boundary == nullptr) return Error{Errc::bad_request, "multipart: Content-Type has no boundary"};
  const auto parts = parse_multipart(body, *boundary);
  if (!parts) return parts.error();
  for (const Part& part : *parts) {
    if (auto taken = picker.take(part.name, part.value); !taken) return taken.error();
  }
  return picker.picked();
}

}  // namespace

Result<Form> parse_form(std::string_view content_type, std::string& body, std::optional<Form::Field>& seen) {
  Picker picker(seen);
  if (body.empty()) return picker.picked();
  const auto type = parse_header_value(content_type);
  if (type && type->value == "multipart/form-data") return pick_from_multipart(body, *type, picker);
  if (type && type->value == "application/x-www-form-urlencoded") return parse_urlencoded(body, picker);
  if (!type && !content_type.empty()) return Error{Errc::bad_request, "Content-Type is malformed"};
  return Error{Errc::unsupported_media_type,
               "Content-Type must be multipart/form-data or application/x-www-form-urlencoded"};
}

}  // namespace vodlift::legacy
