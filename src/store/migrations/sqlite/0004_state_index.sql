-- The newest uploads of an account that are in given states, without stepping over those that are not.
CREATE INDEX uploads_in_state ON uploads (account, state);
