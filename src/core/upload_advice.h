// What an upload's error means, and what to do about it.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"

namespace vodlift {

// Each is one or two sentences for a person.
struct UploadAdvice {
  std::string_view cause;
  std::string_view fix;           // what the customer can do; empty: ask the operator
  std::string_view operator_fix;  // what the operator can do; never empty
};

// Nothing for a code that no upload ends an attempt with. Any thread.
std::optional<UploadAdvice> upload_advice(Errc code);

}  // namespace vodlift
