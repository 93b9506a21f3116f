#include "postgres/pg_result.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <charconv>
#include <stdexcept>

#include "postgres/pg_values.h"

namespace vodlift::postgres {
namespace {

// More types by their numbers in pg_type.
constexpr Oid kInt8Type = 20;
constexpr Oid kInt2Type = 21;
constexpr Oid kInt4Type = 23;

std::int64_t signed_number(const char* bytes, int length) {
  std::uint64_t number = static_cast<signed char>(*bytes) < 0 ? ~std::uint64_t{0} : 0;
  for (int at = 0; at < length; ++at) number = (number << 8) | static_cast<unsigned char>(bytes[at]);
  return static_cast<std::int64_t>(number);
}

}  // namespace

void PgResult::Clear::operator()(pg_result* result) const { PQclear(result); }

bool PgResult::next() {
  if (result_ == nullptr || row_ + 1 >= PQntuples(result_.get())) return false;
  ++row_;
  return true;
}

std::int64_t PgResult::changes() const {
  if (result_ == nullptr) return 0;
  const std::string_view text = PQcmdTuples(result_.get());
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int PgResult::index_of(std::string_view column) const {
  const int count = result_ == nullptr ? 0 : PQnfields(result_.get());
  for (int looked = 0; looked < count; ++looked) {
    const int index = (next_column_ + looked) % count;
    if (column != PQfname(result_.get(), index)) continue;
    next_column_ = index + 1;
    return index;
  }
  throw std::logic_error(fmt::format("a statement answers no column {}", column));
}

bool PgResult::is_null(std::string_view column) const {
  const int index = index_of(column);
  next_column_ = index;  // its value is mostly asked for next
  return PQgetisnull(result_.get(), row_, index) != 0;
}

std::int64_t PgResult::integer(std::string_view column) const {
  const int index = index_of(column);
  if (PQgetisnull(result_.get(), row_, index) != 0) return 0;
  switch (PQftype(result_.get(), index)) {
    case kBoolType:
    case kInt2Type:
    case kInt4Type:
    case kInt8Type:
      return signed_number(PQgetvalue(result_.get(), row_, index), PQgetlength(result_.get(), row_, index));
    default:
      throw std::logic_error(fmt::format("column {} holds no number", column));
  }
}

std::string PgResult::text(std::string_view column) const { return text_at(index_of(column)); }

std::vector<std::optional<std::string>> PgResult::values() const {
  std::vector<std::optional<std::string>> all;
  for (int index = 0; index < PQnfields(result_.get()); ++index) {
    const bool is_nothing = PQgetisnull(result_.get(), row_, index) != 0;
    all.push_back(is_nothing ? std::nullopt : std::optional(text_at(index)));
  }
  return all;
}

std::vector<std::pair<std::string, unsigned>> PgResult::columns() const {
  std::vector<std::pair<std::string, unsigned>> all;
  for (int index = 0; result_ && index < PQnfields(result_.get()); ++index) {
    all.emplace_back(PQfname(result_.get(), index), PQftype(result_.get(), index));
  }
  return all;
}

std::string PgResult::text_at(int index) const {
  return {PQgetvalue(result_.get(), row_, index), static_cast<std::size_t>(PQgetlength(result_.get(), row_, index))};
}

}  // namespace vodlift::postgres
