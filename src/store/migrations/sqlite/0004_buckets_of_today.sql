-- What was done for each bucket in the last hours (core/statistics.h): 1,000 buckets an hour, others together (account -1, no
-- name).
CREATE TABLE statistics_buckets (
  begins_s   INTEGER NOT NULL,  -- Unix seconds, a whole hour
  account    INTEGER NOT NULL,
  bucket     TEXT    NOT NULL,
  bytes_sent INTEGER NOT NULL,
  completed  INTEGER NOT NULL,
  failed     INTEGER NOT NULL,
  PRIMARY KEY (begins_s, account, bucket)
) STRICT, WITHOUT ROWID;
