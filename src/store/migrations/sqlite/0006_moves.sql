-- As in step 0001, but FAIL instead of ABORT. To ABORT, SQLite would keep a copy of each page that an end changes, so that it could
-- undo this one statement. Nobody needs that: after a statement that failed, the writer rolls the whole transaction back.
DROP TRIGGER uploads_legal_move;
CREATE TRIGGER uploads_legal_move BEFORE UPDATE OF state ON uploads
WHEN NOT ((OLD.state = 'queued' AND (NEW.state = 'uploading' OR NEW.state = 'paused' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'paused' AND (NEW.state = 'queued' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'uploading' AND (NEW.state = 'completed' OR NEW.state = 'queued' OR NEW.state = 'failed'
                                        OR NEW.state = 'cancelled')))
BEGIN
  SELECT RAISE(FAIL, 'illegal move of an upload''s state');
END;
