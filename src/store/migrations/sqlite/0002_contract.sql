-- What the whole legacy contract needs: what a key may do, how a bucket's credentials are found, what a client wants done
-- with an upload under way, and the object's optional properties. JSON lists and objects are empty where nothing is said.

ALTER TABLE api_keys ADD COLUMN permissions TEXT NOT NULL DEFAULT 'upload,status,files,manage';
ALTER TABLE api_keys ADD COLUMN path_prefix TEXT NOT NULL DEFAULT '';    -- of source paths; empty: the account's all
ALTER TABLE api_keys ADD COLUMN buckets TEXT NOT NULL DEFAULT '[]';      -- JSON list of names; empty: all
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';     -- JSON list of CIDR networks; empty: all
ALTER TABLE api_keys ADD COLUMN expires_ms INTEGER;
ALTER TABLE api_keys ADD COLUMN previous_secret BLOB;                    -- sealed; valid beside the new one for a while
ALTER TABLE api_keys ADD COLUMN previous_until_ms INTEGER
  CHECK ((previous_until_ms IS NULL) = (previous_secret IS NULL));
ALTER TABLE api_keys ADD COLUMN last_used_ms INTEGER;                    -- some minutes late, never early

-- Where the credentials of a bucket come from; access_key and secret_key hold them for 'static' only.
ALTER TABLE buckets ADD COLUMN credentials TEXT NOT NULL DEFAULT 'static'
  CHECK (credentials IN ('static', 'environment', 'profile', 'container', 'instance', 'web-identity', 'default'));
ALTER TABLE buckets ADD COLUMN profile TEXT NOT NULL DEFAULT '';
ALTER TABLE buckets ADD COLUMN role_arn TEXT NOT NULL DEFAULT '';        -- assumed with those credentials; empty: none
ALTER TABLE buckets ADD COLUMN external_id TEXT NOT NULL DEFAULT '';

-- What was asked for while a worker has the upload: it acts when it hears of it, at the latest when it gives the upload back.
ALTER TABLE uploads ADD COLUMN wanted TEXT NOT NULL DEFAULT '' CHECK (wanted IN ('', 'pause', 'cancel'));
ALTER TABLE uploads ADD COLUMN options TEXT NOT NULL DEFAULT '{}';       -- a JSON object of the optional fields given
-- The attempt under way: its beginning and the bytes confirmed by then. They give the rate that the rest is told by.
ALTER TABLE uploads ADD COLUMN attempt_started_ms INTEGER;
ALTER TABLE uploads ADD COLUMN attempt_first_byte INTEGER NOT NULL DEFAULT 0 CHECK (attempt_first_byte >= 0);
