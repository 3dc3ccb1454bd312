-- Versions of a subsystem's template. A version never changes and never goes: the server's role may only add.
CREATE TABLE templates (
  subsystem text NOT NULL REFERENCES subsystems (name),
  version int NOT NULL CHECK (version > 0),
  business text NOT NULL,
  note text NOT NULL,
  spec jsonb NOT NULL,
  hash text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (subsystem, version)
);
CREATE UNIQUE INDEX templates_hash ON templates (subsystem, hash);
REVOKE UPDATE, DELETE, TRUNCATE ON templates FROM wcs_server;
