-- The agents of hosts: who has joined, by which certificates, and which server holds a link to which host now. All of it goes with the host.
CREATE TABLE agents (
  host text PRIMARY KEY REFERENCES hosts ON DELETE CASCADE,
  joined_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  revoked_reason text,
  version bigint NOT NULL DEFAULT 1
);

-- A certificate counts while it stands here, is not revoked and has not expired.
CREATE TABLE agent_certificates (
  serial text PRIMARY KEY CHECK (serial ~ '^[0-9A-F]{2,40}$'),
  host text NOT NULL REFERENCES agents ON DELETE CASCADE,
  fingerprint text NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX agent_certificates_host ON agent_certificates (host, expires_at DESC);

-- One-time tokens to join by. The secret is 256 random bits, so that its plain SHA-256 is enough. `used_by` is the hash of the key that joined: the same key
-- may ask again, since its first answer can be lost.
CREATE TABLE agent_join_tokens (
  id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{20}$'),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  host text NOT NULL REFERENCES hosts ON DELETE CASCADE,
  made_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  used_by bytea
);
CREATE INDEX agent_join_tokens_host ON agent_join_tokens (host);

-- The servers that agents can connect to, each with a lease, and the links that each holds.
CREATE TABLE agent_servers (
  name text PRIMARY KEY,
  address text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE agent_links (
  host text NOT NULL REFERENCES agents ON DELETE CASCADE,
  server text NOT NULL REFERENCES agent_servers ON DELETE CASCADE,
  since timestamptz NOT NULL,
  PRIMARY KEY (host, server)
);
CREATE INDEX agent_links_server ON agent_links (server);
