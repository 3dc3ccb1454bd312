-- A lease is held until it expires. `term` grows with every new holder: work that fences itself compares it.
CREATE TABLE leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  term bigint NOT NULL,
  expires_at timestamptz NOT NULL
);
