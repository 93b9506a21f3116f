-- The queue, the accounts and the callbacks. Times are Unix milliseconds of the database's clock, sizes are bytes. The words of
-- `state` and the legal moves are those of src/core/upload.cc (docs/upload-states.md). What clients or stores have given is
-- bytea: it need not be UTF-8. Texts are compared byte by byte.

-- Marks of transactions: whoever lost the answer to a COMMIT finds out by its mark whether it was committed
-- (src/postgres/pg_commits.h). A lane is a connection.
CREATE TABLE commits (
  lane   bigint NOT NULL,
  number bigint NOT NULL,
  at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (lane, number)
);

-- Numbers that only grow. 'accounts': raised by every change of an account, a key or a bucket, and stored as its version.
CREATE TABLE counters (
  name  text   COLLATE "C" PRIMARY KEY,
  value bigint NOT NULL CHECK (value >= 0)
);
-- 'accounts_removed': the version at which a row of these was removed last; 'removed_ms': when.
INSERT INTO counters (name, value)
VALUES ('accounts', 0), ('accounts_removed', 0), ('removed_ms', 0), ('receivers_swept', 0);

-- The processes that work on this database. A node keeps its id over restarts; `term` counts its starts.
CREATE TABLE nodes (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name            text   COLLATE "C" NOT NULL UNIQUE CHECK (name <> ''),
  term            bigint NOT NULL CHECK (term >= 1),
  version         text   COLLATE "C" NOT NULL DEFAULT '',     -- of its program
  roles           text   COLLATE "C" NOT NULL DEFAULT '',     -- "api,worker"
  draining        boolean NOT NULL DEFAULT false,
  started_ms      bigint NOT NULL,
  beat_ms         bigint NOT NULL,            -- the last sign of life
  left_ms         bigint,                     -- when it stopped in order; NULL: it runs, or it crashed
  leases_until_ms bigint NOT NULL DEFAULT 0   -- all leases of this term last that long at least
) WITH (fillfactor = 50);

-- The storages that each node has configured, alive or not: a node takes uploads from its own storages, and from those that no
-- node has.
CREATE TABLE node_storages (
  storage bytea  NOT NULL,
  node    bigint NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  PRIMARY KEY (storage, node)
);
CREATE INDEX node_storages_of_node ON node_storages (node);

CREATE TABLE accounts (
  cdn               bigint  PRIMARY KEY CHECK (cdn >= 1),
  "user"            text    COLLATE "C" NOT NULL UNIQUE CHECK ("user" <> ''),
  webhook_secret    bytea   NOT NULL,                    -- sealed
  previous_secret   bytea,                               -- sealed; signs besides the new one for a while
  previous_until_ms bigint  CHECK ((previous_until_ms IS NULL) = (previous_secret IS NULL)),
  callback_format   text    COLLATE "C" NOT NULL DEFAULT 'json' CHECK (callback_format IN ('json', 'form')),
  https_only        boolean NOT NULL DEFAULT false,      -- of callbacks
  weight            integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100),
  created_ms        bigint  NOT NULL,
  removing_ms       bigint,                              -- since when nothing new is accepted for it; NULL: it stays
  version           bigint  NOT NULL DEFAULT 0
);
CREATE INDEX accounts_by_version ON accounts (version);

CREATE TABLE api_keys (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cdn               bigint NOT NULL REFERENCES accounts (cdn),
  api_key           text   COLLATE "C" NOT NULL UNIQUE CHECK (api_key <> ''),
  secret            bytea  NOT NULL,                     -- sealed
  previous_secret   bytea,                               -- sealed; valid besides the new one for a while
  previous_until_ms bigint CHECK ((previous_until_ms IS NULL) = (previous_secret IS NULL)),
  permissions       text   COLLATE "C" NOT NULL DEFAULT 'upload,status,files,manage',
  path_prefix       bytea  NOT NULL DEFAULT '',          -- of source paths; empty: the whole account
  buckets           text   COLLATE "C" NOT NULL DEFAULT '[]',  -- JSON list of names; empty: all
  networks          text   COLLATE "C" NOT NULL DEFAULT '[]',  -- JSON list of CIDR networks; empty: all
  created_ms        bigint NOT NULL,
  expires_ms        bigint,
  revoked_ms        bigint,
  last_used_ms      bigint,                              -- some minutes late, never early
  removing_ms       bigint,
  version           bigint NOT NULL DEFAULT 0
);
CREATE INDEX api_keys_of_account ON api_keys (cdn);
CREATE INDEX api_keys_by_version ON api_keys (version);

-- How to reach a bucket. Where `credentials` is not 'static', access_key and secret_key are empty.
CREATE TABLE buckets (
  cdn            bigint  NOT NULL REFERENCES accounts (cdn),
  bucket         bytea   NOT NULL CHECK (bucket <> ''),
  endpoint       text    COLLATE "C" NOT NULL,
  region         text    COLLATE "C" NOT NULL,
  credentials    text    COLLATE "C" NOT NULL DEFAULT 'static'
                 CHECK (credentials IN ('static', 'environment', 'profile', 'container', 'instance', 'web-identity', 'default')),
  access_key     text    COLLATE "C" NOT NULL,
  secret_key     bytea   NOT NULL,                       -- sealed
  profile        text    COLLATE "C" NOT NULL DEFAULT '',
  role_arn       text    COLLATE "C" NOT NULL DEFAULT '',  -- assumed with those credentials; empty: none
  external_id    text    COLLATE "C" NOT NULL DEFAULT '',
  path_style     boolean NOT NULL,
  acl_policy     text    COLLATE "C" NOT NULL CHECK (acl_policy IN ('fail', 'private')),
  sse            text    COLLATE "C" NOT NULL DEFAULT 'default' CHECK (sse IN ('default', 's3', 'kms')),
  kms_key        text    COLLATE "C" NOT NULL DEFAULT '' CHECK (kms_key = '' OR sse = 'kms'),
  sse_bucket_key boolean NOT NULL DEFAULT false CHECK (NOT sse_bucket_key OR sse = 'kms'),
  max_parts      integer NOT NULL DEFAULT 10000 CHECK (max_parts BETWEEN 100 AND 10000),  -- of one multipart upload
  part_size      bigint  NOT NULL DEFAULT 0              -- bytes; 0: by the rate
                 CHECK (part_size = 0 OR part_size BETWEEN 5242880 AND 5368709120),
  created_ms     bigint  NOT NULL,
  removing_ms    bigint,
  version        bigint  NOT NULL DEFAULT 0,
  PRIMARY KEY (cdn, bucket)
);
CREATE INDEX buckets_by_version ON buckets (version);

-- Whose number it was: uploads stay when their account is removed.
CREATE TABLE former_accounts (
  cdn        bigint PRIMARY KEY CHECK (cdn >= 1),
  "user"     text   COLLATE "C" NOT NULL CHECK ("user" <> ''),
  removed_ms bigint NOT NULL
);

-- One value sealed under the master key when the first secret was stored: a wrong key is noticed at start, not at first use.
CREATE TABLE seal_canary (
  id     integer PRIMARY KEY CHECK (id = 1),
  sealed bytea   NOT NULL
);

-- How fast uploads may be sent. Rates and windows are texts as src/core/bandwidth_limit.h writes them.
CREATE TABLE bandwidth_limits (
  scope     text   COLLATE "C" NOT NULL CHECK (scope IN ('all', 'storage', 'account', 'bucket')),
  account   bigint NOT NULL CHECK ((scope IN ('account', 'bucket')) = (account > 0)),
  name      text   COLLATE "C" NOT NULL CHECK ((scope IN ('storage', 'bucket')) = (name <> '')),
  rate      text   COLLATE "C" NOT NULL CHECK (rate <> ''),
  windows   text   COLLATE "C" NOT NULL,  -- a JSON list of texts
  time_zone text   COLLATE "C" NOT NULL CHECK (time_zone <> ''),
  PRIMARY KEY (scope, account, name)
);

-- What nodes want of limits that they use, and may send of them: leases of some seconds, renewed each second. After a crash of the
-- server it is empty, and nobody has a lease any more.
CREATE UNLOGGED TABLE bandwidth_shares (
  scope    text   COLLATE "C" NOT NULL,
  account  bigint NOT NULL,
  name     text   COLLATE "C" NOT NULL,
  node     bigint NOT NULL,
  wish     bigint NOT NULL CHECK (wish >= 1),  -- bytes per second, as `rate`
  senders  bigint NOT NULL CHECK (senders >= 1),
  rate     bigint NOT NULL CHECK (rate >= 0),
  until_ms bigint NOT NULL,
  PRIMARY KEY (scope, account, name, node)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What a client asked for, of every upload: written once. In blocks of ids, so that an id names its partition, lists by id need
-- no sort, and a block whose uploads are all removed is dropped (docs/decisions). No reference to accounts: the record of an
-- upload does not depend on what happens to the account.
CREATE SEQUENCE upload_ids AS bigint;
CREATE TABLE uploads (
  id               bigint   NOT NULL,
  account          bigint   NOT NULL CHECK (account >= 1),
  key_id           bigint   NOT NULL CHECK (key_id >= 0),  -- 0: an operator
  path             bytea    NOT NULL,
  destination_path bytea    NOT NULL CHECK (destination_path <> ''),
  bucket           bytea    NOT NULL CHECK (bucket <> ''),
  acl              text     COLLATE "C" NOT NULL CHECK (acl IN ('private', 'public-read')),
  metadata         bytea    NOT NULL,  -- a JSON object of strings
  callback         bytea    NOT NULL,  -- empty: none
  options          bytea    NOT NULL,  -- a JSON object of the optional fields that were given
  token            text     COLLATE "C" NOT NULL,
  created_ms       bigint   NOT NULL,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- Where an upload stands that has not ended: small, and changed with every step.
CREATE TABLE open_uploads (
  id                 bigint   PRIMARY KEY,
  account            bigint   NOT NULL,
  key_id             bigint   NOT NULL,
  target             bigint   NOT NULL,  -- of the object: a hash of account, bucket and destination_path
  size               bigint   NOT NULL CHECK (size >= 0),
  created_ms         bigint   NOT NULL,
  -- When it may run.
  next_attempt_ms    bigint   NOT NULL,  -- the order within an account
  waiting_on         bigint   CHECK (waiting_on < id),  -- the upload before this one to the same object
  -- Who works on it. What the client asked for meanwhile happens when the worker gives the upload back.
  fence              bigint   NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms     bigint,
  owner              bigint,             -- the node that leased it, and the node's term then
  owner_term         bigint,
  -- How far it is.
  bytes_sent         bigint   NOT NULL DEFAULT 0 CHECK (bytes_sent >= 0),
  started_ms         bigint,
  attempt_started_ms bigint,             -- of the attempt that runs, or the last one
  attempt_first_byte bigint   NOT NULL DEFAULT 0 CHECK (attempt_first_byte >= 0),  -- bytes confirmed when it began
  -- The last PutObject or Complete that may have put the object in its place, though no answer said so; and what it sent.
  unanswered_ms      bigint,
  sent_size          bigint   CHECK (sent_size >= 0),
  sent_crc32c        bigint   CHECK (sent_crc32c BETWEEN 0 AND 4294967295),
  attempts           integer  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  crashes            integer  NOT NULL DEFAULT 0 CHECK (crashes >= 0),  -- in a row, without a new part
  crashes_alone      integer  NOT NULL DEFAULT 0 CHECK (crashes_alone BETWEEN 0 AND crashes),  -- with no other one under way
  priority           smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
  large              boolean  GENERATED ALWAYS AS (size > 67108864) STORED,  -- kLargeUploadBytes of core/fair_share.h
  delayed            boolean  NOT NULL DEFAULT false,  -- it waits until next_attempt_ms
  interrupted        boolean  NOT NULL DEFAULT false,  -- the next claim continues the attempt
  suspect            boolean  NOT NULL DEFAULT false,  -- the next claim is for it alone
  only_look          boolean  NOT NULL DEFAULT false,  -- it has failed, unless its object is found
  wants_callback     boolean  NOT NULL,
  error_retryable    boolean,
  state              text     COLLATE "C" NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'paused', 'uploading')),
  wanted             text     COLLATE "C" NOT NULL DEFAULT '' CHECK (wanted IN ('', 'pause', 'cancel')),
  bucket             bytea    NOT NULL,
  storage            bytea    NOT NULL,  -- of the source file: the first part of its path
  error_code         text     COLLATE "C",
  error_message      text     COLLATE "C",
  error_detail       text     COLLATE "C",  -- for the operator alone

  CHECK ((state = 'uploading') = (lease_until_ms IS NOT NULL)),
  CHECK ((lease_until_ms IS NULL) = (owner IS NULL) AND (owner IS NULL) = (owner_term IS NULL)),
  CHECK (waiting_on IS NULL OR state <> 'uploading'),
  CHECK (state <> 'uploading' OR (started_ms IS NOT NULL AND attempts >= 1 AND fence >= 1)),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)
         AND (error_code IS NULL) = (error_detail IS NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

-- Ready to run, of each storage in the order in which they are claimed: nothing else has to be stepped over.
CREATE INDEX open_uploads_ready ON open_uploads (storage, priority, large, account, next_attempt_ms, id)
  WHERE state = 'queued' AND waiting_on IS NULL AND NOT delayed AND NOT suspect;
CREATE INDEX open_uploads_delayed ON open_uploads (next_attempt_ms) WHERE state = 'queued' AND waiting_on IS NULL AND delayed;
CREATE INDEX open_uploads_delayed_of_bucket ON open_uploads (account, bucket) WHERE state = 'queued' AND delayed;
-- The uploads to one object form a chain: each waits for the one before, and no two for the same.
CREATE INDEX open_uploads_target ON open_uploads (target, id);
CREATE UNIQUE INDEX open_uploads_waiting ON open_uploads (waiting_on) WHERE waiting_on IS NOT NULL;
CREATE INDEX open_uploads_suspect ON open_uploads (crashes_alone, id) WHERE suspect AND state = 'queued';
CREATE INDEX open_uploads_leased ON open_uploads (owner, owner_term, lease_until_ms) WHERE state = 'uploading';
CREATE INDEX open_uploads_in_state ON open_uploads (account, state, id);
CREATE INDEX open_uploads_paused ON open_uploads (id) WHERE state = 'paused';

CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'illegal move of an upload''s state' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER open_uploads_legal_move BEFORE UPDATE OF state ON open_uploads FOR EACH ROW
WHEN (OLD.state <> NEW.state AND NOT ((OLD.state = 'queued' AND NEW.state IN ('uploading', 'paused'))
                                   OR (OLD.state = 'paused' AND NEW.state = 'queued')
                                   OR (OLD.state = 'uploading' AND NEW.state = 'queued')))
EXECUTE FUNCTION refuse_move();

-- How an upload ended: written once. In the same blocks of ids.
CREATE TABLE ended_uploads (
  id                 bigint   NOT NULL,
  account            bigint   NOT NULL,
  size               bigint   NOT NULL CHECK (size >= 0),
  bytes_sent         bigint   NOT NULL CHECK (bytes_sent >= 0),
  fence              bigint   NOT NULL,
  started_ms         bigint,
  finished_ms        bigint   NOT NULL,
  attempt_started_ms bigint,
  attempt_first_byte bigint   NOT NULL,
  attempts           integer  NOT NULL,
  priority           smallint NOT NULL,
  error_retryable    boolean,
  state              text     COLLATE "C" NOT NULL CHECK (state IN ('completed', 'failed', 'cancelled')),
  acl_applied        text     COLLATE "C" CHECK (acl_applied IN ('private', 'public-read')),
  etag               bytea    NOT NULL,
  checksum           bytea    NOT NULL,
  version_id         bytea    NOT NULL,
  error_code         text     COLLATE "C",
  error_message      text     COLLATE "C",
  error_detail       text     COLLATE "C",
  PRIMARY KEY (id),
  CHECK (state <> 'completed' OR (bytes_sent = size AND error_code IS NULL AND started_ms IS NOT NULL AND attempts >= 1)),
  CHECK (state <> 'failed' OR error_code IS NOT NULL),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)
         AND (error_code IS NULL) = (error_detail IS NULL))
) PARTITION BY RANGE (id);
CREATE INDEX ended_uploads_in_state ON ended_uploads (account, state, id);
-- By when they ended, for their removal (src/core/upload_retention.h).
CREATE INDEX ended_uploads_at ON ended_uploads (state, finished_ms, id);
-- The newest of all accounts in a state that is rare.
CREATE INDEX ended_uploads_rare ON ended_uploads (state, id) WHERE state <> 'completed';

-- The blocks of ids that have partitions: made by make_block().
CREATE TABLE upload_blocks (
  first bigint PRIMARY KEY,
  past  bigint NOT NULL UNIQUE CHECK (past > first)
);
CREATE FUNCTION make_block(ids bigint) RETURNS void LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
  start bigint := (SELECT coalesce(max(past), 0) FROM upload_blocks);
BEGIN
  -- Attached, and not made as partitions: that would lock the whole tables, and wait for everybody who reads them.
  EXECUTE format('CREATE TABLE uploads_%s (LIKE uploads INCLUDING ALL)', start);
  EXECUTE format('ALTER TABLE uploads ATTACH PARTITION uploads_%s FOR VALUES FROM (%s) TO (%s)', start, start, start + ids);
  EXECUTE format('CREATE TABLE ended_uploads_%s (LIKE ended_uploads INCLUDING ALL)', start);
  EXECUTE format('ALTER TABLE ended_uploads ATTACH PARTITION ended_uploads_%s FOR VALUES FROM (%s) TO (%s)', start, start, start + ids);
  INSERT INTO upload_blocks (first, past) VALUES (start, start + ids);
END $$;
SELECT make_block(10000000);
SELECT make_block(10000000);
-- Drops the oldest block if all its ids are given and all its uploads are removed; answers whether it did. It waits for nobody
-- for long: others would wait behind it.
CREATE FUNCTION drop_empty_block() RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
  oldest upload_blocks := (SELECT b FROM upload_blocks b ORDER BY b.first LIMIT 1);
BEGIN
  IF oldest.past > (SELECT last_value FROM upload_ids)
     OR EXISTS (SELECT 1 FROM uploads WHERE id >= oldest.first AND id < oldest.past) THEN
    RETURN false;
  END IF;
  -- Ids are given before their uploads are committed: look again when nobody can insert any more.
  EXECUTE format('LOCK TABLE uploads_%s, ended_uploads_%s IN ACCESS EXCLUSIVE MODE', oldest.first, oldest.first);
  IF EXISTS (SELECT 1 FROM uploads WHERE id >= oldest.first AND id < oldest.past) THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE uploads_%s, ended_uploads_%s', oldest.first, oldest.first);
  DELETE FROM upload_blocks WHERE first = oldest.first;
  RETURN true;
END $$;

-- The newest upload that repeats another one.
CREATE TABLE retries (
  upload_id  bigint PRIMARY KEY,
  retried_as bigint NOT NULL CHECK (retried_as > upload_id)
);

-- How many uploads there are, and the sum of their sizes. Each transaction that adds or moves uploads adds rows to
-- upload_count_changes: transactions do not wait for one another. From time to time these are added up in upload_counts.
CREATE TABLE upload_counts (
  account bigint  NOT NULL,
  state   text    COLLATE "C" NOT NULL,
  uploads bigint  NOT NULL,
  bytes   numeric NOT NULL,
  PRIMARY KEY (account, state)
);
CREATE TABLE upload_count_changes (
  id      bigint GENERATED ALWAYS AS IDENTITY,
  account bigint NOT NULL,
  state   text   COLLATE "C" NOT NULL,
  uploads bigint NOT NULL,
  bytes   bigint NOT NULL
);
CREATE INDEX upload_count_changes_of_account ON upload_count_changes (account);
CREATE INDEX upload_count_changes_by_id ON upload_count_changes (id);

-- How runs of an upload ended, unless it completed at its first one: at most 50 of each (core/attempt_history.h). One
-- entry stands for runs of one attempt in a row that ended alike.
CREATE TABLE upload_attempts (
  upload_id       bigint  NOT NULL,
  fence           bigint  NOT NULL CHECK (fence >= 1),   -- of the first of these runs
  number          integer NOT NULL CHECK (number >= 1),  -- of the attempt
  times           integer NOT NULL CHECK (times >= 1),   -- how many runs
  how             text    COLLATE "C" NOT NULL CHECK (how <> ''),
  error_code      text    COLLATE "C",
  error_message   text    COLLATE "C",
  error_retryable boolean,
  error_detail    text    COLLATE "C",                   -- for the operator alone
  started_ms      bigint  NOT NULL,
  ended_ms        bigint  NOT NULL,
  first_byte      bigint  NOT NULL CHECK (first_byte >= 0),
  last_byte       bigint  NOT NULL CHECK (last_byte >= 0),
  node            bigint  NOT NULL,
  PRIMARY KEY (upload_id, fence),
  CHECK ((error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)
         AND (error_code IS NULL) = (error_detail IS NULL))
);

-- Signed requests that were answered with an id, until their timestamp is too old to be accepted.
CREATE TABLE signed_requests (
  timestamp_s bigint NOT NULL,                           -- as the request says it, Unix seconds
  key_id      bigint NOT NULL,
  mac         bytea  NOT NULL CHECK (length(mac) = 32),  -- the SHA-256 of its HMAC, which cannot be sent as a signature
  upload_id   bigint NOT NULL,
  PRIMARY KEY (timestamp_s, key_id, mac)
);

-- The open multipart upload of an upload, so that another attempt can continue it.
CREATE TABLE multiparts (
  upload_id          bigint PRIMARY KEY,
  multipart_id       bytea  NOT NULL CHECK (multipart_id <> ''),
  part_size          bigint NOT NULL CHECK (part_size >= 1),
  checksum_mode      text   COLLATE "C" NOT NULL,
  acl                text   COLLATE "C" NOT NULL CHECK (acl IN ('private', 'public-read')),
  source_device      bigint NOT NULL,  -- device and inode: the bits of an unsigned number
  source_inode       bigint NOT NULL,
  source_size        bigint NOT NULL CHECK (source_size >= 0),
  source_change_ns   bigint NOT NULL,
  source_modified_ns bigint NOT NULL
);

CREATE TABLE parts (
  upload_id    bigint  NOT NULL,
  number       integer NOT NULL CHECK (number BETWEEN 1 AND 10000),
  size         bigint  NOT NULL CHECK (size >= 0),
  etag         bytea   NOT NULL,
  crc32c       bigint  NOT NULL CHECK (crc32c BETWEEN 0 AND 4294967295),
  md5          bytea   NOT NULL CHECK (length(md5) IN (0, 16)),
  confirmed_ms bigint,
  PRIMARY KEY (upload_id, number)
);

-- Every multipart upload that may be open at a store because of us: written before Create is sent, removed when the
-- multipart upload is known to be completed or gone. It does not depend on the upload, the account or the bucket.
CREATE TABLE multipart_ledger (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  upload_id       bigint  NOT NULL,
  account         bigint  NOT NULL,
  endpoint        text    COLLATE "C" NOT NULL,   -- empty: not known any more
  bucket          bytea   NOT NULL,
  object_key      bytea   NOT NULL,
  multipart_id    bytea   NOT NULL DEFAULT '',    -- empty: the answer to Create is not known
  creates         integer NOT NULL DEFAULT 1 CHECK (creates >= 1),
  first_ms        bigint  NOT NULL,               -- when the first and the last of those Creates were about to be sent
  last_ms         bigint  NOT NULL,
  left_ms         bigint,                         -- when its upload abandoned it; NULL: it is in use
  next_attempt_ms bigint  CHECK ((next_attempt_ms IS NULL) = (left_ms IS NULL)),
  attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  error           text    COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX multipart_ledger_due ON multipart_ledger (next_attempt_ms) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX multipart_ledger_left ON multipart_ledger (left_ms, id) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX multipart_ledger_of_upload ON multipart_ledger (upload_id);
CREATE INDEX multipart_ledger_at ON multipart_ledger (bucket, object_key);

-- Callbacks: small, and changed with every attempt. What is sent is in callback_texts, which is written once.
CREATE SEQUENCE callback_ids AS bigint;
CREATE TABLE callbacks (
  id              bigint  PRIMARY KEY,
  upload_id       bigint  NOT NULL UNIQUE,
  account         bigint  NOT NULL CHECK (account >= 1),  -- the upload's
  next_attempt_ms bigint  NOT NULL,                       -- while leased: when the lease runs out
  created_ms      bigint  NOT NULL,
  fence           bigint  NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_until_ms  bigint,
  owner           bigint,           -- the node that leased it, and the node's term then
  owner_term      bigint,
  attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  attempts_before integer NOT NULL DEFAULT 0              -- of those, before it was sent again
                  CHECK (attempts_before BETWEEN 0 AND attempts),
  delayed         boolean NOT NULL DEFAULT false,         -- it waits until next_attempt_ms
  own_sums        boolean NOT NULL DEFAULT false,         -- while pending: counted in its receiver's own row
  state           text    COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'stopped')),
  receiver        text    COLLATE "C" NOT NULL CHECK (receiver <> ''),  -- host and port of the URL
  CHECK (NOT delayed OR state = 'pending'),
  CHECK (lease_until_ms IS NULL OR (state = 'pending' AND next_attempt_ms = lease_until_ms)),
  CHECK ((lease_until_ms IS NULL) = (owner IS NULL) AND (owner IS NULL) = (owner_term IS NULL)),
  CHECK (state = 'pending' OR attempts >= 1)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
-- Due, by account and receiver: those of a receiver that may get no more now are stepped over all at once.
CREATE INDEX callbacks_due ON callbacks (account, receiver, next_attempt_ms, id) WHERE state = 'pending' AND NOT delayed;
CREATE INDEX callbacks_delayed ON callbacks (next_attempt_ms) WHERE delayed;
CREATE INDEX callbacks_leased ON callbacks (owner, owner_term) WHERE lease_until_ms IS NOT NULL;
-- The newest of an account in one state, and of all accounts in one of the states that are rare.
CREATE INDEX callbacks_in_state ON callbacks (account, state, id);
CREATE INDEX callbacks_not_delivered ON callbacks (state, id) WHERE state <> 'delivered';

CREATE TABLE callback_texts (
  callback_id bigint PRIMARY KEY,
  webhook_id  text   COLLATE "C" NOT NULL,
  url         bytea  NOT NULL CHECK (url <> ''),
  body        bytea  NOT NULL
);

-- Of each callback the last 100 (kKeptCallbackAttempts of core/callback_history.h).
CREATE TABLE callback_attempts (
  callback_id bigint  NOT NULL,
  number      integer NOT NULL CHECK (number >= 1),
  at_ms       bigint  NOT NULL,
  took_ms     bigint  NOT NULL CHECK (took_ms >= 0),
  http_status integer NOT NULL,  -- 0: no answer
  error       text    COLLATE "C" NOT NULL,  -- empty on success
  PRIMARY KEY (callback_id, number)
);

-- How receivers do (core/callback_receivers.h): 1,000 of them, 100 of one account at most, and the others together (0, '').
CREATE TABLE callback_receivers (
  account          bigint NOT NULL,
  receiver         text   COLLATE "C" NOT NULL,
  day              bigint NOT NULL DEFAULT 0,  -- of the last attempt, counted from 1970 (UTC)
  delivered        bigint NOT NULL DEFAULT 0,  -- attempts on that day
  delivered_before bigint NOT NULL DEFAULT 0,  -- and on the day before
  failed           bigint NOT NULL DEFAULT 0,
  failed_before    bigint NOT NULL DEFAULT 0,
  waiting          bigint NOT NULL DEFAULT 0,
  latency_ms       bigint,
  last_error       text   COLLATE "C" NOT NULL DEFAULT '',
  last_failure_ms  bigint,
  last_success_ms  bigint,
  failing_since_ms bigint,
  used_ms          bigint,
  PRIMARY KEY (account, receiver)
) WITH (fillfactor = 50);
INSERT INTO callback_receivers (account, receiver) VALUES (0, '');

-- What went on over time (core/statistics.h): of all accounts (0), of each of 1,000 accounts, and of the others together
-- (-1). A ring has 120 minutes, 192 hours and 731 days; older slots are removed when a new one is written.
CREATE TABLE statistics (
  account        bigint NOT NULL,
  slot_s         bigint NOT NULL,  -- how long the slot is: 60, 3600 or 86400
  begins_s       bigint NOT NULL,  -- Unix seconds
  bytes_sent     bigint NOT NULL,
  completed      bigint NOT NULL,
  failed         bigint NOT NULL,
  cancelled      bigint NOT NULL,
  most_queued    bigint NOT NULL,
  longest_wait_s bigint NOT NULL,
  PRIMARY KEY (account, slot_s, begins_s)
);
-- The same of attempts that ended with an error. The codes are those of base/error.h, so a slot has some sixty at most.
CREATE TABLE statistics_errors (
  account  bigint NOT NULL,
  slot_s   bigint NOT NULL,
  begins_s bigint NOT NULL,
  code     text   COLLATE "C" NOT NULL,
  failed   bigint NOT NULL,
  retried  bigint NOT NULL,
  PRIMARY KEY (account, slot_s, begins_s, code)
);
-- What was done for each bucket in the last hours: 1,000 buckets an hour, others together (account -1, no name).
CREATE TABLE statistics_buckets (
  begins_s   bigint NOT NULL,  -- Unix seconds, a whole hour
  account    bigint NOT NULL,
  bucket     bytea  NOT NULL,
  bytes_sent bigint NOT NULL,
  completed  bigint NOT NULL,
  failed     bigint NOT NULL,
  PRIMARY KEY (begins_s, account, bucket)
);
-- The accounts that have rings of their own.
CREATE TABLE statistics_rings (
  account   bigint PRIMARY KEY,
  active_ms bigint NOT NULL  -- an hour late at most
);
-- Of the counts of uploads, what the statistics have already.
CREATE TABLE statistics_ends (
  account bigint NOT NULL,
  state   text   COLLATE "C" NOT NULL,
  uploads bigint NOT NULL,
  PRIMARY KEY (account, state)
);

-- Who may sign in. The roles are those of src/core/principal.h.
CREATE TABLE people (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text   COLLATE "C" NOT NULL UNIQUE CHECK (name <> ''),
  role         text   COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'customer', 'operator', 'admin')),
  cdn          bigint CHECK (cdn >= 1),
  password     text   COLLATE "C" NOT NULL DEFAULT '',  -- an argon2id string; empty: none was chosen yet
  version      bigint NOT NULL DEFAULT 1 CHECK (version >= 1),  -- grows with each password and each change of the role
  created_ms   bigint NOT NULL,
  last_seen_ms bigint,
  CHECK (role <> 'customer' OR cdn IS NOT NULL),
  CHECK (cdn IS NULL OR role IN ('customer', 'viewer'))
);
-- By which a person chooses a password, once. Only hashes of links, sessions and tokens are stored: what a reader of the
-- database finds opens nothing.
CREATE TABLE setup_links (
  person   bigint PRIMARY KEY,  -- 0: the first admin, who is no row yet
  hash     bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
  until_ms bigint NOT NULL
);
CREATE TABLE sessions (
  hash       bytea  PRIMARY KEY CHECK (length(hash) = 32),
  person     bigint NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  created_ms bigint NOT NULL,
  used_ms    bigint NOT NULL
);
CREATE INDEX sessions_of_person ON sessions (person, created_ms);
CREATE TABLE access_tokens (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash       bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
  person     bigint NOT NULL REFERENCES people (id) ON DELETE CASCADE,  -- the owner
  label      text   COLLATE "C" NOT NULL CHECK (label <> ''),
  role       text   COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'customer', 'operator', 'admin')),
  cdn        bigint CHECK (cdn >= 1),
  created_ms bigint NOT NULL,
  expires_ms bigint,
  used_ms    bigint
);
CREATE INDEX access_tokens_of_person ON access_tokens (person);
CREATE INDEX access_tokens_of_account ON access_tokens (cdn) WHERE cdn IS NOT NULL;
