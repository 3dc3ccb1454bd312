-- As in 0003, with one INSERT for all entries of an act: 23,000 of them went in one by one.
CREATE OR REPLACE FUNCTION append_audit(chains int, first_chain int, new_entries text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
DECLARE
  taken int := NULL;
  previous bytea;
  last_sequence bigint;
  place bigint := 0;
  new_entry text;
  hashes bytea[];
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
  SELECT hash, sequence INTO previous, last_sequence
    FROM audit_entries WHERE chain = taken ORDER BY sequence DESC LIMIT 1;
  IF NOT FOUND THEN
    previous := decode(repeat('00', 32), 'hex');
    last_sequence := 0;
  END IF;
  FOREACH new_entry IN ARRAY new_entries LOOP
    place := place + 1;
    previous := sha256(previous || int2send(taken::int2) || int8send(last_sequence + place) || convert_to(new_entry, 'UTF8'));
    hashes[place] := previous;
  END LOOP;
  INSERT INTO audit_entries (chain, sequence, hash, entry)
    SELECT taken, last_sequence + e.nth, e.hash, e.entry
    FROM unnest(hashes, new_entries) WITH ORDINALITY AS e (hash, entry, nth);
END $$;
