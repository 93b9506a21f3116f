-- For IN with more than two words SQLite makes a B-tree for each row that it checks, which was a seventh of what accepting a
-- call costs. OR says the same. The constraints stay as strict, so no row has to be looked at, and the texts are changed in
-- place: a new table would have to be filled with every upload there is.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql =
  replace(replace(replace(sql,
    'state IN (''queued'', ''paused'', ''uploading'', ''completed'', ''failed'', ''cancelled'')',
    'state = ''queued'' OR state = ''uploading'' OR state = ''completed'' OR state = ''failed'' OR state = ''cancelled'' OR state = ''paused'''),
    '(state IN (''completed'', ''failed'', ''cancelled''))',
    '(state = ''completed'' OR state = ''failed'' OR state = ''cancelled'')'),
    'wanted IN ('''', ''pause'', ''cancel'')',
    'wanted = '''' OR wanted = ''pause'' OR wanted = ''cancel''')
WHERE type = 'table' AND name = 'uploads';
UPDATE sqlite_schema SET sql =
  replace(sql,
    'state IN (''pending'', ''delivered'', ''failed'', ''stopped'')',
    'state = ''pending'' OR state = ''delivered'' OR state = ''failed'' OR state = ''stopped''')
WHERE type = 'table' AND name = 'callbacks';
PRAGMA writable_schema = RESET;

DROP TRIGGER uploads_legal_move;
CREATE TRIGGER uploads_legal_move BEFORE UPDATE OF state ON uploads
WHEN NOT ((OLD.state = 'queued' AND (NEW.state = 'uploading' OR NEW.state = 'paused' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'paused' AND (NEW.state = 'queued' OR NEW.state = 'cancelled'))
       OR (OLD.state = 'uploading' AND (NEW.state = 'completed' OR NEW.state = 'queued' OR NEW.state = 'failed'
                                        OR NEW.state = 'cancelled')))
BEGIN
  SELECT RAISE(ABORT, 'illegal move of an upload''s state');
END;
