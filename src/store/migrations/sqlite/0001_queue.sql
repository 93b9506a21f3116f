-- The queue, the accounts, and the callbacks. Times are Unix milliseconds, sizes bytes. The words of `state` and the
-- legal moves are those of src/core/upload.cc; docs/upload-states.md explains them.

CREATE TABLE accounts (
  cdn            INTEGER PRIMARY KEY CHECK (cdn >= 1),
  user           TEXT    NOT NULL UNIQUE CHECK (user <> ''),
  webhook_secret BLOB    NOT NULL,  -- sealed
  created_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  cdn        INTEGER NOT NULL REFERENCES accounts (cdn),
  api_key    TEXT    NOT NULL UNIQUE CHECK (api_key <> ''),
  secret     BLOB    NOT NULL,  -- sealed
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT;
CREATE INDEX api_keys_of_account ON api_keys (cdn);

CREATE TABLE buckets (
  cdn        INTEGER NOT NULL REFERENCES accounts (cdn),
  bucket     TEXT    NOT NULL CHECK (bucket <> ''),
  endpoint   TEXT    NOT NULL,
  region     TEXT    NOT NULL,
  access_key TEXT    NOT NULL,
  secret_key BLOB    NOT NULL,  -- sealed
  path_style INTEGER NOT NULL CHECK (path_style IN (0, 1)),
  acl_policy TEXT    NOT NULL CHECK (acl_policy IN ('fail', 'private')),
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (cdn, bucket)
) STRICT, WITHOUT ROWID;

-- One value sealed under the master key when the first one was set up: tells a wrong key at start, not at first use.
CREATE TABLE seal_canary (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  sealed BLOB    NOT NULL
) STRICT;

-- No reference to accounts: an upload's record does not depend on what becomes of the account.
CREATE TABLE uploads (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  account          INTEGER NOT NULL CHECK (account >= 1),
  key_id           INTEGER NOT NULL CHECK (key_id >= 0),  -- 0: an operator
  state            TEXT    NOT NULL DEFAULT 'queued'
                   CHECK (state IN ('queued', 'paused', 'uploading', 'completed', 'failed', 'cancelled')),
  priority         INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
  path             TEXT    NOT NULL,
  destination_path TEXT    NOT NULL CHECK (destination_path <> ''),
  bucket           TEXT    NOT NULL CHECK (bucket <> ''),
  acl              TEXT    NOT NULL CHECK (acl IN ('private', 'public-read')),
  metadata         TEXT    NOT NULL,  -- a JSON object of strings
  callback         TEXT    NOT NULL,  -- empty: none
  token            TEXT    NOT NULL,
  size             INTEGER NOT NULL CHECK (size >= 0),
  bytes_sent       INTEGER NOT NULL DEFAULT 0 CHECK (bytes_sent >= 0),

  attempts         INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  interrupted      INTEGER NOT NULL DEFAULT 0 CHECK (interrupted IN (0, 1)),  -- the next claim goes on with the attempt
  crashes          INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),           -- in a row, without a new part
  fence            INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms   INTEGER,
  waiting_on       INTEGER CHECK (waiting_on < id),  -- the upload before this one to the same destination
  next_attempt_ms  INTEGER NOT NULL,

  acl_applied      TEXT CHECK (acl_applied IN ('private', 'public-read')),
  etag             TEXT NOT NULL DEFAULT '',
  checksum         TEXT NOT NULL DEFAULT '',
  version_id       TEXT NOT NULL DEFAULT '',
  error_code       TEXT,
  error_message    TEXT,
  error_retryable  INTEGER CHECK (error_retryable IN (0, 1)),

  created_ms       INTEGER NOT NULL,
  started_ms       INTEGER,
  finished_ms      INTEGER,

  CHECK ((state = 'uploading') = (lease_until_ms IS NOT NULL)),
  CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_ms IS NOT NULL)),
  CHECK (waiting_on IS NULL OR state IN ('queued', 'paused')),
  CHECK (state NOT IN ('uploading', 'completed') OR (started_ms IS NOT NULL AND attempts >= 1 AND fence >= 1)),
  CHECK (state <> 'completed' OR (bytes_sent = size AND error_code IS NULL)),
  CHECK (state <> 'failed' OR error_code IS NOT NULL),
  CHECK (acl_applied IS NULL OR finished_ms IS NOT NULL),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL))
) STRICT;

-- What a claim reads: only uploads that could run, in the order they should. Queued rows whose time has not come lie
-- behind the range it seeks; rows that wait for another, run or have ended are not in it.
CREATE INDEX uploads_due ON uploads (priority, next_attempt_ms) WHERE state = 'queued' AND waiting_on IS NULL;
-- Who else has not ended and writes to the same object.
CREATE INDEX uploads_open_target ON uploads (account, bucket, destination_path) WHERE finished_ms IS NULL;
CREATE INDEX uploads_waiting ON uploads (waiting_on) WHERE waiting_on IS NOT NULL;
CREATE INDEX uploads_leased ON uploads (lease_until_ms) WHERE lease_until_ms IS NOT NULL;
CREATE INDEX uploads_of_account ON uploads (account);

CREATE TRIGGER uploads_legal_move BEFORE UPDATE OF state ON uploads
WHEN NOT ((OLD.state = 'queued' AND NEW.state IN ('uploading', 'paused', 'cancelled'))
       OR (OLD.state = 'paused' AND NEW.state IN ('queued', 'cancelled'))
       OR (OLD.state = 'uploading' AND NEW.state IN ('queued', 'completed', 'failed', 'cancelled')))
BEGIN
  SELECT RAISE(ABORT, 'illegal move of an upload''s state');
END;

-- The open multipart upload of an upload, so that another attempt can go on with it.
CREATE TABLE multiparts (
  upload_id          INTEGER PRIMARY KEY REFERENCES uploads (id) ON DELETE CASCADE,
  multipart_id       TEXT    NOT NULL CHECK (multipart_id <> ''),
  part_size          INTEGER NOT NULL CHECK (part_size >= 1),
  checksum_mode      TEXT    NOT NULL,
  acl                TEXT    NOT NULL CHECK (acl IN ('private', 'public-read')),
  source_device      INTEGER NOT NULL,  -- device and inode: the bits of an unsigned number
  source_inode       INTEGER NOT NULL,
  source_size        INTEGER NOT NULL CHECK (source_size >= 0),
  source_change_ns   INTEGER NOT NULL,
  source_modified_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE parts (
  upload_id INTEGER NOT NULL REFERENCES multiparts (upload_id) ON DELETE CASCADE,
  number    INTEGER NOT NULL CHECK (number BETWEEN 1 AND 10000),
  size      INTEGER NOT NULL CHECK (size >= 0),
  etag      TEXT    NOT NULL,
  crc32c    INTEGER NOT NULL CHECK (crc32c BETWEEN 0 AND 4294967295),
  md5       BLOB    NOT NULL CHECK (length(md5) IN (0, 16)),
  PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;

-- Signed requests that were answered with an id, until their bytes could not be judged fresh any more; `mac` is the SHA-256
-- of the request's HMAC, which would be its signature.
CREATE TABLE signatures (
  key_id     INTEGER NOT NULL,
  mac        BLOB    NOT NULL CHECK (length(mac) = 32),
  upload_id  INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (key_id, mac)
) STRICT, WITHOUT ROWID;
CREATE INDEX signatures_by_age ON signatures (created_ms);

CREATE TABLE callbacks (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  upload_id       INTEGER NOT NULL UNIQUE REFERENCES uploads (id),
  webhook_id      TEXT    NOT NULL,
  url             TEXT    NOT NULL CHECK (url <> ''),
  body            TEXT    NOT NULL,
  state           TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'stopped')),
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  fence           INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms  INTEGER,
  next_attempt_ms INTEGER NOT NULL,  -- while leased: when the lease runs out
  created_ms      INTEGER NOT NULL,
  CHECK (lease_until_ms IS NULL OR (state = 'pending' AND next_attempt_ms = lease_until_ms)),
  CHECK (state = 'pending' OR attempts >= 1)
) STRICT;
CREATE INDEX callbacks_due ON callbacks (next_attempt_ms) WHERE state = 'pending';
CREATE INDEX callbacks_leased ON callbacks (lease_until_ms) WHERE lease_until_ms IS NOT NULL;

CREATE TABLE callback_attempts (
  callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL CHECK (number >= 1),
  at_ms       INTEGER NOT NULL,
  took_ms     INTEGER NOT NULL CHECK (took_ms >= 0),
  http_status INTEGER NOT NULL,  -- 0: no answer
  error       TEXT    NOT NULL,  -- empty on success
  PRIMARY KEY (callback_id, number)
) STRICT, WITHOUT ROWID;
