-- The estate can't delete or rewire a subnet while something has an address there: it would be wired to a place that is no longer what its
-- annotation says. Told as a reference, which the estate knows how to refuse. The row lock keeps reservations out until the end.
CREATE FUNCTION ipam_guard_subnet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.rack, NEW.area, NEW.cidr, NEW.gateway) IS NOT DISTINCT FROM (OLD.rack, OLD.area, OLD.cidr, OLD.gateway) THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM ipam_subnets WHERE name = OLD.name FOR UPDATE;
  IF EXISTS (SELECT 1 FROM ipam_addresses WHERE subnet = OLD.name AND state <> 'free' AND owner_kind IS DISTINCT FROM 'host' AND owner_kind IS DISTINCT FROM 'vm')
     OR EXISTS (SELECT 1 FROM ipam_blocks WHERE subnet = OLD.name AND state <> 'returned') THEN
    RAISE EXCEPTION 'subnet % has addresses or blocks in use', OLD.name
      USING ERRCODE = 'foreign_key_violation', TABLE = 'subnets',
        DETAIL = format('Key (name)=(%s) is still referenced from table "ipam_addresses".', OLD.name);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ipam_guard_subnet AFTER UPDATE OR DELETE ON subnets FOR EACH ROW EXECUTE FUNCTION ipam_guard_subnet();

-- As in 0200, and under a share of the subnet's row, so that a subnet that goes does not lose an address that is being given.
CREATE OR REPLACE FUNCTION ipam_take(subnet_name text, wanted int) RETURNS SETOF inet LANGUAGE plpgsql AS $$
DECLARE
  taken inet[];
BEGIN
  PERFORM 1 FROM ipam_subnets WHERE name = subnet_name FOR KEY SHARE;
  BEGIN
    taken := ARRAY(SELECT ip FROM ipam_addresses
      WHERE subnet = subnet_name AND state = 'free' AND condition = 'usable' AND in_fixed_range
      ORDER BY freed_at NULLS FIRST, ip LIMIT wanted FOR UPDATE SKIP LOCKED);
    IF cardinality(taken) < wanted THEN
      RAISE EXCEPTION USING ERRCODE = 'W0001';
    END IF;
  EXCEPTION WHEN SQLSTATE 'W0001' THEN
    taken := ARRAY(SELECT ip FROM ipam_addresses
      WHERE subnet = subnet_name AND state = 'free' AND condition = 'usable' AND in_fixed_range
      ORDER BY freed_at NULLS FIRST, ip LIMIT wanted FOR UPDATE);
  END;
  RETURN QUERY SELECT unnest(taken);
END $$;
GRANT EXECUTE ON FUNCTION ipam_take TO wcs_server;
