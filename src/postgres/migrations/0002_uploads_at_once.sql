-- readable by step 1
-- How many uploads of an account may run at once; 0: no cap.
ALTER TABLE accounts ADD COLUMN uploads_at_once integer NOT NULL DEFAULT 0 CHECK (uploads_at_once BETWEEN 0 AND 256);
