-- Hash chains that only grow. A chain's head is locked from the entry to its commit, so several chains share the load; each entry's hash
-- covers the hash before it. The entry is the canonical JSON text that was hashed; what is searched by is generated from it.
CREATE TABLE audit_entries (
  chain smallint NOT NULL CHECK (chain >= 0 AND chain < 64),
  sequence bigint NOT NULL CHECK (sequence > 0),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  entry text NOT NULL,
  at text NOT NULL GENERATED ALWAYS AS (entry::jsonb ->> 'at') STORED,
  actor text NOT NULL GENERATED ALWAYS AS (entry::jsonb #>> '{actor,name}') STORED,
  kind text GENERATED ALWAYS AS (entry::jsonb #>> '{resource,kind}') STORED,
  name text GENERATED ALWAYS AS (entry::jsonb #>> '{resource,name}') STORED,
  business text GENERATED ALWAYS AS (entry::jsonb ->> 'business') STORED,
  environment text GENERATED ALWAYS AS (entry::jsonb ->> 'environment') STORED,
  dcn_group text GENERATED ALWAYS AS (entry::jsonb ->> 'dcnGroup') STORED,
  PRIMARY KEY (chain, sequence)
);
CREATE INDEX audit_entries_at ON audit_entries (at, chain, sequence);
CREATE INDEX audit_entries_resource ON audit_entries (kind, name, at);
CREATE INDEX audit_entries_actor ON audit_entries (actor, at);

-- The server's role reads, and appends by the function alone: it can't update, delete, or insert a row of its own making.
REVOKE ALL ON audit_entries FROM wcs_server;
GRANT SELECT ON audit_entries TO wcs_server;

-- Appends entries to one chain; takes the first chain from `first_chain` on whose head is free, or waits for that one.
-- hash = SHA-256(previous hash, or 32 zero bytes | chain, 2 bytes | sequence, 8 bytes | entry in UTF-8).
CREATE FUNCTION append_audit(chains int, first_chain int, new_entries text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
DECLARE
  taken int := NULL;
  previous bytea;
  next_sequence bigint;
  new_entry text;
BEGIN
  FOR step IN 0 .. chains - 1 LOOP
    IF pg_try_advisory_xact_lock(7823, (first_chain + step) % chains) THEN
      taken := (first_chain + step) % chains;
      EXIT;
    END IF;
  END LOOP;
  IF taken IS NULL THEN
    taken := first_chain % chains;
    PERFORM pg_advisory_xact_lock(7823, taken);
  END IF;
  SELECT hash, sequence + 1 INTO previous, next_sequence
    FROM audit_entries WHERE chain = taken ORDER BY sequence DESC LIMIT 1;
  IF NOT FOUND THEN
    previous := decode(repeat('00', 32), 'hex');
    next_sequence := 1;
  END IF;
  FOREACH new_entry IN ARRAY new_entries LOOP
    previous := sha256(previous || int2send(taken::int2) || int8send(next_sequence) || convert_to(new_entry, 'UTF8'));
    INSERT INTO audit_entries (chain, sequence, hash, entry) VALUES (taken, next_sequence, previous, new_entry);
    next_sequence := next_sequence + 1;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION append_audit TO wcs_server;
