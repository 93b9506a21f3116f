-- Uploads by when they ended, for their removal (src/core/upload_retention.h).
CREATE INDEX uploads_ended ON uploads (state, finished_ms) WHERE finished_ms IS NOT NULL;
