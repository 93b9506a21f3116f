// Sessions and bearer tokens in PostgreSQL.
#pragma once

#include "core/sessions.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// Sessions over a PgDatabase. Any thread.
class PgSessions final : public Sessions {
 public:
  explicit PgSessions(PgDatabase& database) : database_(database) {}

  Result<SignedIn> begin(const Person& person, const AccessHash& session) override;
  Result<std::optional<SignedIn>> find(const AccessHash& session) override;
  Result<> end(const AccessHash& session) override;
  Result<Token> add_token(const Token& token, const AccessHash& secret) override;
  Result<std::vector<Token>> tokens(const std::optional<std::string>& owner) override;
  Result<Token> remove_token(std::int64_t id, const std::optional<std::string>& owner) override;
  Result<std::optional<TokenUse>> find_token(const AccessHash& secret) override;

 private:
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
