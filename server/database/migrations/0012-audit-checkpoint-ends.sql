-- The last line that each writer of checkpoints has written, so that a file that was cut off, or is gone, is found. `host` and `path` name the file.
CREATE TABLE audit_checkpoint_ends (
  writer text PRIMARY KEY,
  host text NOT NULL,
  path text NOT NULL,
  hash text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_checkpoint_ends_file ON audit_checkpoint_ends (host, path);
REVOKE DELETE, TRUNCATE ON audit_checkpoint_ends FROM wcs_server;
