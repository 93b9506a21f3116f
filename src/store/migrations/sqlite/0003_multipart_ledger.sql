-- Every multipart upload that may be open at a store because of us: written before Create is sent, removed when it is known
-- to be completed or gone. It stands for itself: what becomes of the upload, the account or the bucket does not matter.
CREATE TABLE multipart_ledger (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  upload_id       INTEGER NOT NULL,
  account         INTEGER NOT NULL,
  endpoint        TEXT    NOT NULL,             -- empty: not known any more
  bucket          TEXT    NOT NULL,
  object_key      TEXT    NOT NULL,
  multipart_id    TEXT    NOT NULL DEFAULT '',  -- empty: the answer to Create is not known
  creates         INTEGER NOT NULL DEFAULT 1 CHECK (creates >= 1),
  first_ms        INTEGER NOT NULL,             -- when the first and the last of those Creates were about to be sent
  last_ms         INTEGER NOT NULL,
  left_ms         INTEGER,                      -- when its upload let go of it; NULL: it is in use
  next_attempt_ms INTEGER CHECK ((next_attempt_ms IS NULL) = (left_ms IS NULL)),
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  error           TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX multipart_ledger_due ON multipart_ledger (next_attempt_ms) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX multipart_ledger_of_upload ON multipart_ledger (upload_id);
CREATE INDEX multipart_ledger_at ON multipart_ledger (bucket, object_key);

-- An upload that ends without an object uses none of them any more, whoever ended it.
CREATE TRIGGER uploads_leave_multiparts AFTER UPDATE OF state ON uploads
WHEN NEW.state IN ('failed', 'cancelled')
BEGIN
  UPDATE multipart_ledger SET left_ms = NEW.finished_ms, next_attempt_ms = NEW.finished_ms
  WHERE upload_id = NEW.id AND next_attempt_ms IS NULL;
END;

-- What is open already. Of an upload that has ended it is litter.
INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, multipart_id, first_ms, last_ms, left_ms,
                              next_attempt_ms)
  SELECT u.id, u.account, coalesce(b.endpoint, ''), u.bucket, u.destination_path, m.multipart_id,
         coalesce(u.started_ms, u.created_ms), coalesce(u.started_ms, u.created_ms), u.finished_ms, u.finished_ms
  FROM multiparts AS m JOIN uploads AS u ON u.id = m.upload_id
  LEFT JOIN buckets AS b ON b.cdn = u.account AND b.bucket = u.bucket;
DELETE FROM multiparts WHERE upload_id IN (SELECT id FROM uploads WHERE finished_ms IS NOT NULL);
