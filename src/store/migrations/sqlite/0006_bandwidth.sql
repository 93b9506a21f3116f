-- How fast uploads may be sent. Rates and windows are texts as src/core/bandwidth_limit.h writes them.
CREATE TABLE bandwidth_limits (
  scope     TEXT    NOT NULL CHECK (scope IN ('all', 'storage', 'account', 'bucket')),
  account   INTEGER NOT NULL CHECK ((scope IN ('account', 'bucket')) = (account > 0)),
  name      TEXT    NOT NULL CHECK ((scope IN ('storage', 'bucket')) = (name <> '')),
  rate      TEXT    NOT NULL CHECK (rate <> ''),
  windows   TEXT    NOT NULL,  -- a JSON list of texts
  time_zone TEXT    NOT NULL CHECK (time_zone <> ''),
  PRIMARY KEY (scope, account, name)
) STRICT, WITHOUT ROWID;
