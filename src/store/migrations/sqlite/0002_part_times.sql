-- When the store confirmed a part. NULL: before this was kept.
ALTER TABLE parts ADD COLUMN confirmed_ms INTEGER;
