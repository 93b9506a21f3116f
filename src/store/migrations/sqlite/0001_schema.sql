-- The queue, the accounts and the callbacks. Times are Unix milliseconds, sizes are bytes. A time is always taken from the
-- store's clock. The words of `state` and the legal moves are those of src/core/upload.cc (docs/upload-states.md).
--
-- Checks compare with OR: for IN with more than two words SQLite builds a B-tree for each row that it checks.

-- Numbers that only grow. 'accounts': raised by every change of an account, a key or a bucket, and stored as its version.
CREATE TABLE counters (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('accounts', 0);
-- Does not grow: tells this database from others (src/store/store_mark.h).
INSERT INTO counters (name, value) VALUES ('database', random() & 0x7fffffffffffffff);

-- The processes that work on this database. A node keeps its id over restarts; `term` counts its starts.
CREATE TABLE nodes (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT    NOT NULL UNIQUE CHECK (name <> ''),
  term       INTEGER NOT NULL CHECK (term >= 1),
  started_ms INTEGER NOT NULL,
  beat_ms    INTEGER NOT NULL,  -- the last sign of life
  left_ms    INTEGER            -- when it stopped in order; NULL: it runs, or it crashed
) STRICT;

CREATE TABLE accounts (
  cdn            INTEGER PRIMARY KEY CHECK (cdn >= 1),
  user           TEXT    NOT NULL UNIQUE CHECK (user <> ''),
  webhook_secret BLOB    NOT NULL,                                            -- sealed
  previous_secret   BLOB,                                                     -- sealed; signs besides the new one for a while
  previous_until_ms INTEGER CHECK ((previous_until_ms IS NULL) = (previous_secret IS NULL)),
  callback_format   TEXT NOT NULL DEFAULT 'json' CHECK (callback_format IN ('json', 'form')),
  https_only     INTEGER NOT NULL DEFAULT 0 CHECK (https_only IN (0, 1)),     -- of callbacks
  weight         INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100), -- its share among accounts that wait
  created_ms     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX accounts_by_version ON accounts (version);

CREATE TABLE api_keys (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  cdn               INTEGER NOT NULL REFERENCES accounts (cdn),
  api_key           TEXT    NOT NULL UNIQUE CHECK (api_key <> ''),
  secret            BLOB    NOT NULL,                                    -- sealed
  previous_secret   BLOB,                                                -- sealed; valid besides the new one for a while
  previous_until_ms INTEGER CHECK ((previous_until_ms IS NULL) = (previous_secret IS NULL)),
  permissions       TEXT    NOT NULL DEFAULT 'upload,status,files,manage',
  path_prefix       TEXT    NOT NULL DEFAULT '',                         -- of source paths; empty: the whole account
  buckets           TEXT    NOT NULL DEFAULT '[]',                       -- JSON list of names; empty: all
  networks          TEXT    NOT NULL DEFAULT '[]',                       -- JSON list of CIDR networks; empty: all
  created_ms        INTEGER NOT NULL,
  expires_ms        INTEGER,
  revoked_ms        INTEGER,
  last_used_ms      INTEGER,                                             -- some minutes late, never early
  version           INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX api_keys_of_account ON api_keys (cdn);
CREATE INDEX api_keys_by_version ON api_keys (version);

-- How to reach a bucket. Where `credentials` is not 'static', access_key and secret_key are empty.
CREATE TABLE buckets (
  cdn            INTEGER NOT NULL REFERENCES accounts (cdn),
  bucket         TEXT    NOT NULL CHECK (bucket <> ''),
  endpoint       TEXT    NOT NULL,
  region         TEXT    NOT NULL,
  credentials    TEXT    NOT NULL DEFAULT 'static'
                 CHECK (credentials IN ('static', 'environment', 'profile', 'container', 'instance', 'web-identity',
                                        'default')),
  access_key     TEXT    NOT NULL,
  secret_key     BLOB    NOT NULL,             -- sealed
  profile        TEXT    NOT NULL DEFAULT '',
  role_arn       TEXT    NOT NULL DEFAULT '',  -- assumed with those credentials; empty: none
  external_id    TEXT    NOT NULL DEFAULT '',
  path_style     INTEGER NOT NULL CHECK (path_style IN (0, 1)),
  acl_policy     TEXT    NOT NULL CHECK (acl_policy IN ('fail', 'private')),
  sse            TEXT    NOT NULL DEFAULT 'default' CHECK (sse IN ('default', 's3', 'kms')),  -- 'default': not asked for
  kms_key        TEXT    NOT NULL DEFAULT '' CHECK (kms_key = '' OR sse = 'kms'),
  sse_bucket_key INTEGER NOT NULL DEFAULT 0 CHECK (sse_bucket_key = 0 OR (sse_bucket_key = 1 AND sse = 'kms')),
  max_parts      INTEGER NOT NULL DEFAULT 10000 CHECK (max_parts BETWEEN 100 AND 10000),  -- of one multipart upload
  part_size      INTEGER NOT NULL DEFAULT 0                                               -- bytes; 0: by the rate
                 CHECK (part_size = 0 OR part_size BETWEEN 5242880 AND 5368709120),
  created_ms     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (cdn, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_by_version ON buckets (version);

-- One value sealed under the master key when the first secret was stored: a wrong key is noticed at start, not at first use.
CREATE TABLE seal_canary (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  sealed BLOB    NOT NULL
) STRICT;

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

-- No reference to accounts: the record of an upload does not depend on what happens to the account.
CREATE TABLE uploads (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  account          INTEGER NOT NULL CHECK (account >= 1),
  key_id           INTEGER NOT NULL CHECK (key_id >= 0),  -- 0: an operator
  state            TEXT    NOT NULL DEFAULT 'queued'
                   CHECK (state = 'queued' OR state = 'uploading' OR state = 'completed' OR state = 'failed'
                          OR state = 'cancelled' OR state = 'paused'),

  -- What the client asked for.
  priority         INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
  path             TEXT    NOT NULL,
  destination_path TEXT    NOT NULL CHECK (destination_path <> ''),
  bucket           TEXT    NOT NULL CHECK (bucket <> ''),
  acl              TEXT    NOT NULL CHECK (acl IN ('private', 'public-read')),
  metadata         TEXT    NOT NULL,               -- a JSON object of strings
  callback         TEXT    NOT NULL,               -- empty: none
  options          TEXT    NOT NULL DEFAULT '{}',  -- a JSON object of the optional fields that were given
  token            TEXT    NOT NULL,
  size             INTEGER NOT NULL CHECK (size >= 0),
  large            INTEGER GENERATED ALWAYS AS (size > 67108864) VIRTUAL,  -- kLargeUploadBytes of core/fair_share.h

  -- When it may run.
  waiting_on       INTEGER CHECK (waiting_on < id),   -- the upload before this one to the same object
  next_attempt_ms  INTEGER NOT NULL,                  -- the order within an account
  delayed          INTEGER NOT NULL DEFAULT 0 CHECK (delayed IN (0, 1)),  -- it waits until next_attempt_ms
  -- Bytes still to be sent, where it is ready to run; NULL elsewhere.
  ready            INTEGER GENERATED ALWAYS AS
                   (iif(state = 'queued' AND waiting_on IS NULL AND delayed = 0 AND suspect = 0, size - bytes_sent,
                        NULL)) VIRTUAL,

  -- Who works on it. What the client asked for meanwhile happens when the worker gives the upload back.
  fence            INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms   INTEGER,
  owner            INTEGER,                           -- the node that leased it, and the node's term then
  owner_term       INTEGER,
  wanted           TEXT    NOT NULL DEFAULT '' CHECK (wanted = '' OR wanted = 'pause' OR wanted = 'cancel'),

  -- How far it is.
  attempts           INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  interrupted        INTEGER NOT NULL DEFAULT 0 CHECK (interrupted IN (0, 1)),  -- the next claim continues the attempt
  crashes            INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),           -- in a row, without a new part
  crashes_alone      INTEGER NOT NULL DEFAULT 0 CHECK (crashes_alone BETWEEN 0 AND crashes),  -- with no other one under way
  suspect            INTEGER NOT NULL DEFAULT 0 CHECK (suspect IN (0, 1)),      -- the next claim is for it alone
  bytes_sent         INTEGER NOT NULL DEFAULT 0 CHECK (bytes_sent >= 0),
  attempt_started_ms INTEGER,                                                   -- of the attempt that runs, or the last one
  attempt_first_byte INTEGER NOT NULL DEFAULT 0 CHECK (attempt_first_byte >= 0),  -- bytes confirmed when it began
  -- The last PutObject or Complete that may have put the object in its place, though no answer said so; and the object that it sent.
  unanswered_ms      INTEGER,
  sent_size          INTEGER CHECK (sent_size >= 0),
  sent_crc32c        INTEGER CHECK (sent_crc32c BETWEEN 0 AND 4294967295),
  only_look          INTEGER NOT NULL DEFAULT 0 CHECK (only_look IN (0, 1)),  -- it has failed, unless its object is found

  -- How it ended.
  acl_applied      TEXT CHECK (acl_applied IN ('private', 'public-read')),
  etag             TEXT NOT NULL DEFAULT '',
  checksum         TEXT NOT NULL DEFAULT '',
  version_id       TEXT NOT NULL DEFAULT '',
  error_code       TEXT,
  error_message    TEXT,
  error_retryable  INTEGER CHECK (error_retryable IN (0, 1)),
  error_detail     TEXT NOT NULL DEFAULT '',  -- for the operator alone
  retried_as       INTEGER CHECK (retried_as > id),  -- the newest upload that repeats it

  created_ms       INTEGER NOT NULL,
  started_ms       INTEGER,
  finished_ms      INTEGER,

  CHECK ((state = 'uploading') = (lease_until_ms IS NOT NULL)),
  CHECK ((lease_until_ms IS NULL) = (owner IS NULL) AND (owner IS NULL) = (owner_term IS NULL)),
  CHECK ((state = 'completed' OR state = 'failed' OR state = 'cancelled') = (finished_ms IS NOT NULL)),
  CHECK (waiting_on IS NULL OR state IN ('queued', 'paused')),
  CHECK (state NOT IN ('uploading', 'completed') OR (started_ms IS NOT NULL AND attempts >= 1 AND fence >= 1)),
  CHECK (state <> 'completed' OR (bytes_sent = size AND error_code IS NULL)),
  CHECK (state <> 'failed' OR error_code IS NOT NULL),
  CHECK (acl_applied IS NULL OR finished_ms IS NOT NULL),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL))
) STRICT;

-- Ready to run, in the order in which they are claimed: nothing else has to be stepped over, and no row is read.
CREATE INDEX uploads_ready ON uploads (priority, large, account, next_attempt_ms, id, ready) WHERE ready IS NOT NULL;
CREATE INDEX uploads_delayed ON uploads (next_attempt_ms)
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1;
-- The uploads to one object that have not ended. They form a chain: each waits for the one before, and no two for the same.
CREATE INDEX uploads_open_target ON uploads (account, bucket, destination_path) WHERE finished_ms IS NULL;
CREATE UNIQUE INDEX uploads_waiting ON uploads (waiting_on) WHERE waiting_on IS NOT NULL;
CREATE INDEX uploads_suspect ON uploads (crashes_alone, id) WHERE suspect = 1 AND state = 'queued';
CREATE INDEX uploads_leased ON uploads (lease_until_ms) WHERE lease_until_ms IS NOT NULL;
-- The newest uploads of an account, in one state.
CREATE INDEX uploads_in_state ON uploads (account, state);

CREATE TRIGGER uploads_legal_move BEFORE UPDATE OF state ON uploads
WHEN NOT ((OLD.state = 'queued' AND (NEW.state = 'uploading' OR NEW.state = 'paused' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'paused' AND (NEW.state = 'queued' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'uploading' AND (NEW.state = 'completed' OR NEW.state = 'queued' OR NEW.state = 'failed'
                                        OR NEW.state = 'cancelled')))
BEGIN
  SELECT RAISE(ABORT, 'illegal move of an upload''s state');
END;

-- How many uploads there are, and the sum of their sizes. Written by every transaction that adds or moves uploads, once for all
-- of them (src/store/upload_counts.h). Nothing checks the numbers: one that is wrong must not keep an upload from its end.
CREATE TABLE upload_counts (
  account INTEGER NOT NULL,
  state   TEXT    NOT NULL,
  uploads INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (account, state)
) STRICT, WITHOUT ROWID;

-- How runs of an upload ended, unless it completed at its first one: at most 50 of each (core/attempt_history.h). One
-- entry stands for runs of one attempt in a row that ended alike.
CREATE TABLE upload_attempts (
  upload_id       INTEGER NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
  fence           INTEGER NOT NULL CHECK (fence >= 1),   -- of the first of these runs
  number          INTEGER NOT NULL CHECK (number >= 1),  -- of the attempt
  times           INTEGER NOT NULL CHECK (times >= 1),   -- how many runs
  how             TEXT    NOT NULL CHECK (how <> ''),
  error_code      TEXT,
  error_message   TEXT,
  error_retryable INTEGER CHECK (error_retryable IN (0, 1)),
  error_detail    TEXT,                                  -- for the operator alone
  started_ms      INTEGER NOT NULL,
  ended_ms        INTEGER NOT NULL,
  first_byte      INTEGER NOT NULL CHECK (first_byte >= 0),
  last_byte       INTEGER NOT NULL CHECK (last_byte >= 0),
  node            INTEGER NOT NULL,
  PRIMARY KEY (upload_id, fence),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)
         AND (error_code IS NULL) = (error_detail IS NULL))
) STRICT, WITHOUT ROWID;

-- What went on over time (core/statistics.h): of all accounts (0), of each of 1,000 accounts, and of the others together
-- (-1). A ring has 120 minutes, 192 hours and 731 days; older slots are removed when a new one is written.
CREATE TABLE statistics (
  account        INTEGER NOT NULL,
  slot_s         INTEGER NOT NULL,  -- how long the slot is: 60, 3600 or 86400
  begins_s       INTEGER NOT NULL,  -- Unix seconds
  bytes_sent     INTEGER NOT NULL,
  completed      INTEGER NOT NULL,
  failed         INTEGER NOT NULL,
  cancelled      INTEGER NOT NULL,
  most_queued    INTEGER NOT NULL,
  longest_wait_s INTEGER NOT NULL,
  PRIMARY KEY (account, slot_s, begins_s)
) STRICT, WITHOUT ROWID;

-- The same of attempts that ended with an error. The codes are those of base/error.h, so a slot has some sixty at most.
CREATE TABLE statistics_errors (
  account  INTEGER NOT NULL,
  slot_s   INTEGER NOT NULL,
  begins_s INTEGER NOT NULL,
  code     TEXT    NOT NULL,
  failed   INTEGER NOT NULL,
  retried  INTEGER NOT NULL,
  PRIMARY KEY (account, slot_s, begins_s, code)
) STRICT, WITHOUT ROWID;

-- The accounts that have rings of their own.
CREATE TABLE statistics_rings (
  account   INTEGER PRIMARY KEY,
  active_ms INTEGER NOT NULL  -- an hour late at most
) STRICT;

-- Of upload_counts, what the statistics have already.
CREATE TABLE statistics_ends (
  account INTEGER NOT NULL,
  state   TEXT    NOT NULL,
  uploads INTEGER NOT NULL,
  PRIMARY KEY (account, state)
) STRICT, WITHOUT ROWID;

-- Signed requests that were answered with an id, until their timestamp is too old to be accepted. Those of the same time
-- lie next to each other, so that an insert changes few pages.
CREATE TABLE signed_requests (
  timestamp_s INTEGER NOT NULL,                           -- as the request says it, Unix seconds
  key_id      INTEGER NOT NULL,
  mac         BLOB    NOT NULL CHECK (length(mac) = 32),  -- the SHA-256 of its HMAC, which cannot be sent as a signature
  upload_id   INTEGER NOT NULL,
  PRIMARY KEY (timestamp_s, key_id, mac)
) STRICT, WITHOUT ROWID;

-- The open multipart upload of an upload, so that another attempt can continue it.
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

-- Every multipart upload that may be open at a store because of us: written before Create is sent, removed when the
-- multipart upload is known to be completed or gone. It does not depend on the upload, the account or the bucket.
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
  left_ms         INTEGER,                      -- when its upload abandoned it; NULL: it is in use
  next_attempt_ms INTEGER CHECK ((next_attempt_ms IS NULL) = (left_ms IS NULL)),
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  error           TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX multipart_ledger_due ON multipart_ledger (next_attempt_ms) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX multipart_ledger_of_upload ON multipart_ledger (upload_id);
CREATE INDEX multipart_ledger_at ON multipart_ledger (bucket, object_key);

CREATE TABLE callbacks (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  upload_id       INTEGER NOT NULL UNIQUE REFERENCES uploads (id),
  account         INTEGER NOT NULL CHECK (account >= 1),  -- the upload's
  receiver        TEXT    NOT NULL CHECK (receiver <> ''),  -- host and port of the URL
  webhook_id      TEXT    NOT NULL,
  url             TEXT    NOT NULL CHECK (url <> ''),
  body            TEXT    NOT NULL,
  state           TEXT    NOT NULL DEFAULT 'pending'
                  CHECK (state = 'pending' OR state = 'delivered' OR state = 'failed' OR state = 'stopped'),
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  attempts_before INTEGER NOT NULL DEFAULT 0                      -- of those, before it was sent again
                  CHECK (attempts_before BETWEEN 0 AND attempts),
  fence           INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms  INTEGER,
  owner           INTEGER,           -- the node that leased it, and the node's term then
  owner_term      INTEGER,
  next_attempt_ms INTEGER NOT NULL,  -- while leased: when the lease runs out
  delayed         INTEGER NOT NULL DEFAULT 0 CHECK (delayed IN (0, 1)),  -- it waits until next_attempt_ms
  created_ms      INTEGER NOT NULL,
  own_sums        INTEGER NOT NULL DEFAULT 0 CHECK (own_sums IN (0, 1)),  -- while pending: counted in its receiver's own row
  CHECK (delayed = 0 OR state = 'pending'),
  CHECK (lease_until_ms IS NULL OR (state = 'pending' AND next_attempt_ms = lease_until_ms)),
  CHECK ((lease_until_ms IS NULL) = (owner IS NULL) AND (owner IS NULL) = (owner_term IS NULL)),
  CHECK (state = 'pending' OR attempts >= 1)
) STRICT;
-- Due, by account and receiver: those of a receiver that may get no more now are stepped over all at once.
CREATE INDEX callbacks_due ON callbacks (account, receiver, next_attempt_ms) WHERE state = 'pending' AND delayed = 0;
CREATE INDEX callbacks_delayed ON callbacks (next_attempt_ms) WHERE delayed = 1;
CREATE INDEX callbacks_leased ON callbacks (lease_until_ms) WHERE lease_until_ms IS NOT NULL;
-- The newest of an account in one state, and of all accounts in one of the states that are rare.
CREATE INDEX callbacks_in_state ON callbacks (account, state);
CREATE INDEX callbacks_not_delivered ON callbacks (state) WHERE state <> 'delivered';

-- Of each callback the last 100 (kKeptCallbackAttempts of core/callback_history.h).
CREATE TABLE callback_attempts (
  callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL CHECK (number >= 1),
  at_ms       INTEGER NOT NULL,
  took_ms     INTEGER NOT NULL CHECK (took_ms >= 0),
  http_status INTEGER NOT NULL,  -- 0: no answer
  error       TEXT    NOT NULL,  -- empty on success
  PRIMARY KEY (callback_id, number)
) STRICT, WITHOUT ROWID;

-- How receivers do (core/callback_receivers.h): 1,000 of them, 100 of one account at most, and the others together (0, '').
CREATE TABLE callback_receivers (
  account          INTEGER NOT NULL,
  receiver         TEXT    NOT NULL,
  day              INTEGER NOT NULL DEFAULT 0,  -- of the last attempt, counted from 1970 (UTC)
  delivered        INTEGER NOT NULL DEFAULT 0,  -- attempts on that day
  delivered_before INTEGER NOT NULL DEFAULT 0,  -- and on the day before
  failed           INTEGER NOT NULL DEFAULT 0,
  failed_before    INTEGER NOT NULL DEFAULT 0,
  waiting          INTEGER NOT NULL DEFAULT 0,
  latency_ms       INTEGER,
  last_error       TEXT    NOT NULL DEFAULT '',
  last_failure_ms  INTEGER,
  last_success_ms  INTEGER,
  failing_since_ms INTEGER,
  used_ms          INTEGER,
  PRIMARY KEY (account, receiver)
) STRICT, WITHOUT ROWID;
INSERT INTO callback_receivers (account, receiver) VALUES (0, '');
-- When idle receivers were last looked for.
INSERT INTO counters (name, value) VALUES ('receivers_swept', 0);

-- Who may sign in. The roles are those of src/core/principal.h.
CREATE TABLE people (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  name         TEXT    NOT NULL UNIQUE CHECK (name <> ''),
  role         TEXT    NOT NULL CHECK (role = 'viewer' OR role = 'customer' OR role = 'operator' OR role = 'admin'),
  cdn          INTEGER CHECK (cdn >= 1),
  password     TEXT    NOT NULL DEFAULT '',  -- an argon2id string; empty: none was chosen yet
  version      INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),  -- grows with each password and each change of the role
  created_ms   INTEGER NOT NULL,
  last_seen_ms INTEGER,
  CHECK (role <> 'customer' OR cdn IS NOT NULL),
  CHECK (cdn IS NULL OR role = 'customer' OR role = 'viewer')
) STRICT;

-- By which a person chooses a password, once. Only hashes of links, sessions and tokens are stored: what a reader of the
-- database finds opens nothing.
CREATE TABLE setup_links (
  person   INTEGER PRIMARY KEY,  -- 0: the first admin, who is no row yet
  hash     BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  hash       BLOB    PRIMARY KEY CHECK (length(hash) = 32),
  person     INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_person ON sessions (person, created_ms);

CREATE TABLE access_tokens (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  person     INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,  -- the owner
  label      TEXT    NOT NULL CHECK (label <> ''),
  role       TEXT    NOT NULL CHECK (role = 'viewer' OR role = 'customer' OR role = 'operator' OR role = 'admin'),
  cdn        INTEGER CHECK (cdn >= 1),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  used_ms    INTEGER
) STRICT;
CREATE INDEX access_tokens_of_person ON access_tokens (person);
