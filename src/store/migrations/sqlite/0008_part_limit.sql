-- Stores that take fewer parts than S3's 10,000 in one upload.
ALTER TABLE buckets ADD COLUMN max_parts INTEGER NOT NULL DEFAULT 10000 CHECK (max_parts BETWEEN 100 AND 10000);
