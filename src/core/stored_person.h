// Rows of people and tokens: what their columns mean is the same for every database.
#pragma once

#include <optional>

#include "core/people.h"
#include "core/row.h"
#include "core/sessions.h"

namespace vodlift {

// Each reads the columns that have the names of its members. Nothing: this build does not know the role.
std::optional<Person> person_in(const Row& row);
std::optional<Token> token_in(const Row& row);

// Whether a use of a session or token is recorded, which was last used then.
bool is_use_recorded(std::optional<WallTime> last, WallTime now);

}  // namespace vodlift
