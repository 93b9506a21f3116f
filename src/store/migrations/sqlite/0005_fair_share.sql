-- What a fair share between accounts needs: the ready uploads of one account side by side, small ones apart from large ones, and
-- those that wait for their next attempt out of their way.

ALTER TABLE accounts ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);

-- It waits for next_attempt_ms; a claim that finds that time over puts it among the ready ones.
ALTER TABLE uploads ADD COLUMN delayed INTEGER NOT NULL DEFAULT 0 CHECK (delayed IN (0, 1));
-- More than 64 MiB (kLargeUploadBytes of src/core/fair_share.h).
ALTER TABLE uploads ADD COLUMN large INTEGER GENERATED ALWAYS AS (size > 67108864) VIRTUAL;
UPDATE uploads SET delayed = 1 WHERE state IN ('queued', 'paused') AND next_attempt_ms > created_ms;

-- What a claim reads. Rows that wait for a time or another upload, are paused, run or have ended are in neither.
DROP INDEX uploads_due;
CREATE INDEX uploads_ready ON uploads (priority, account, large, next_attempt_ms)
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 0;
CREATE INDEX uploads_delayed ON uploads (next_attempt_ms)
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1;
