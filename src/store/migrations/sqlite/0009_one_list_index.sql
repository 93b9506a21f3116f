-- uploads_in_state lists an account's uploads in any state too: one index less to keep for each upload.
DROP INDEX uploads_of_account;
