#include "postgres/pg_values.h"

#include <array>
#include <cstddef>
#include <stdexcept>

namespace vodlift::postgres {
namespace {

template <class Number>
std::array<char, sizeof(Number)> big_endian(Number number) {
  std::array<char, sizeof(Number)> bytes{};
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes.at(at) = static_cast<char>((number >> (8 * (bytes.size() - 1 - at))) & 0xFF);
  }
  return bytes;
}

std::string_view view_of(const auto& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

unsigned PgValues::array_type(unsigned element) {
  switch (element) {
    case kBoolType:
      return 1000;
    case kByteaType:
      return 1001;
    case kInt8:
      return 1016;
    case kTextType:
      return 1009;
    default:
      throw std::logic_error("no array of this type");
  }
}

void PgValues::add_value(unsigned type, std::string_view bytes) {
  offsets_.push_back(bytes_.size());
  bytes_ += bytes;
  types_.push_back(type);
  lengths_.push_back(static_cast<int>(bytes.size()));
  formats_.push_back(1);
}

void PgValues::add_null(unsigned type) {
  add_value(type, {});
  offsets_.back() = kNoBytes;
}

void PgValues::add(std::int64_t value) { add_value(kInt8, view_of(big_endian(value))); }
void PgValues::add(bool value) { add_value(kBoolType, std::string_view(value ? "\1" : "\0", 1)); }
void PgValues::add(std::string_view value) { add_value(kTextType, value); }
void PgValues::add(const Bytes& value) { add_value(kByteaType, value.bytes); }

void PgValues::append_number(std::int32_t number) { bytes_ += view_of(big_endian(number)); }

// Dimensions, whether there are NULLs (PostgreSQL looks itself), the elements' type; then length and first index.
void PgValues::begin_array(unsigned element, std::size_t count) {
  add_value(array_type(element), {});
  append_number(count == 0 ? 0 : 1);
  append_number(1);
  append_number(static_cast<std::int32_t>(element));
  if (count == 0) return;
  append_number(static_cast<std::int32_t>(count));
  append_number(1);
}

void PgValues::end_array() { lengths_.back() = static_cast<int>(bytes_.size() - offsets_.back()); }

void PgValues::add_element(std::int64_t value) {
  append_number(sizeof value);
  bytes_ += view_of(big_endian(value));
}

void PgValues::add_element(bool value) {
  append_number(1);
  bytes_ += value ? '\1' : '\0';
}

void PgValues::add_element(std::string_view value) {
  append_number(static_cast<std::int32_t>(value.size()));
  bytes_ += value;
}

std::vector<const char*> PgValues::pointers() const {
  std::vector<const char*> pointers;
  pointers.reserve(offsets_.size());
  for (const std::size_t offset : offsets_) pointers.push_back(offset == kNoBytes ? nullptr : bytes_.data() + offset);
  return pointers;
}

std::vector<Bytes> bytes_list(const std::vector<std::string>& texts) {
  std::vector<Bytes> all;
  all.reserve(texts.size());
  for (const std::string& text : texts) all.push_back({text});
  return all;
}

}  // namespace vodlift::postgres
