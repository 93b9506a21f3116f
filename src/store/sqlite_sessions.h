// Sessions and bearer tokens in SQLite.
#pragma once

#include "core/sessions.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Over a SqliteDatabase. Both must outlive it. Any thread.
class SqliteSessions final : public Sessions {
 public:
  SqliteSessions(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  Result<SignedIn> begin(const Person& person, const AccessHash& session) override;
  Result<std::optional<SignedIn>> find(const AccessHash& session) override;
  Result<> end(const AccessHash& session) override;
  Result<Token> add_token(const Token& token, const AccessHash& secret) override;
  Result<std::vector<Token>> tokens(const std::optional<std::string>& owner) override;
  Result<Token> remove_token(std::int64_t id, const std::optional<std::string>& owner) override;
  Result<std::optional<TokenUse>> find_token(const AccessHash& secret) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace vodlift::store
