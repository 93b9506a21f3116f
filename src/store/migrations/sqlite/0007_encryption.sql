-- How the store is to encrypt what is put into a bucket; 'default' asks for nothing.
ALTER TABLE buckets ADD COLUMN sse TEXT NOT NULL DEFAULT 'default' CHECK (sse IN ('default', 's3', 'kms'));
ALTER TABLE buckets ADD COLUMN kms_key TEXT NOT NULL DEFAULT '' CHECK (kms_key = '' OR sse = 'kms');
ALTER TABLE buckets ADD COLUMN sse_bucket_key INTEGER NOT NULL DEFAULT 0
  CHECK (sse_bucket_key = 0 OR (sse_bucket_key = 1 AND sse = 'kms'));
