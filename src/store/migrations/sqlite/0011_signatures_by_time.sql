-- Signed requests by the time that they were signed for, so that those of now lie beside each other: by their digests every
-- one changed another page. It is what they are forgotten by, too. `signatures` holds what was answered before this step,
-- and is empty an hour later.
CREATE TABLE signed_requests (
  timestamp_s INTEGER NOT NULL,                            -- what the request says; Unix seconds
  key_id      INTEGER NOT NULL,
  mac         BLOB    NOT NULL CHECK (length(mac) = 32),   -- the SHA-256 of its HMAC
  upload_id   INTEGER NOT NULL,
  PRIMARY KEY (timestamp_s, key_id, mac)
) STRICT, WITHOUT ROWID;
