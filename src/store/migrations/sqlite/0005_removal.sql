-- Since when nothing new is accepted for a row that is being removed; NULL: it stays.
ALTER TABLE accounts ADD COLUMN removing_ms INTEGER;
ALTER TABLE api_keys ADD COLUMN removing_ms INTEGER;
ALTER TABLE buckets ADD COLUMN removing_ms INTEGER;
-- The version at which a row of these was removed last.
INSERT INTO counters (name, value) VALUES ('accounts_removed', 0);
-- Whose number it was: uploads stay when their account is removed.
CREATE TABLE former_accounts (
  cdn        INTEGER PRIMARY KEY CHECK (cdn >= 1),
  user       TEXT    NOT NULL CHECK (user <> ''),
  removed_ms INTEGER NOT NULL
) STRICT;
