-- What has changed of what placement decides by, for servers that keep the picture of it in memory: names only, written by triggers in the transaction
-- of the change. A reader takes the rows that its last snapshot did not see and its new one does: exact, in whatever order transactions commit.
CREATE TABLE placement_changes (
  id bigint GENERATED ALWAYS AS IDENTITY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL CHECK (kind IN ('Instance', 'Subnet')),
  name text NOT NULL,
  PRIMARY KEY (xid, id)
);
CREATE INDEX placement_changes_at ON placement_changes (at);

-- A reader whose snapshot is older than what was pruned reads everything anew.
CREATE TABLE placement_change_log (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  pruned_xid xid8 NOT NULL DEFAULT '0'
);
INSERT INTO placement_change_log DEFAULT VALUES;

CREATE FUNCTION placement_instance_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO placement_changes (kind, name) VALUES ('Instance', NEW.name);
  RETURN NULL;
END $$;
CREATE TRIGGER instances_placement_new AFTER INSERT ON instances FOR EACH ROW EXECUTE FUNCTION placement_instance_changed();
CREATE TRIGGER instances_placement_change AFTER UPDATE ON instances FOR EACH ROW
  WHEN ((OLD.host, OLD.class, OLD.lifetime, OLD.borrowed, OLD.nics, OLD.wish = 'retire', OLD.retired_at IS NULL)
    IS DISTINCT FROM (NEW.host, NEW.class, NEW.lifetime, NEW.borrowed, NEW.nics, NEW.wish = 'retire', NEW.retired_at IS NULL))
  EXECUTE FUNCTION placement_instance_changed();

-- A subnet whose number of fixed addresses, or of those that are free, may be another.
CREATE FUNCTION placement_addresses_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO placement_changes (kind, name) SELECT DISTINCT 'Subnet', subnet FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER ipam_addresses_placement_new AFTER INSERT ON ipam_addresses
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION placement_addresses_added();

CREATE FUNCTION placement_addresses_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
BEGIN
  INSERT INTO placement_changes (kind, name) SELECT DISTINCT 'Subnet', subnet FROM gone;
  RETURN NULL;
END $$;
CREATE TRIGGER ipam_addresses_placement_gone AFTER DELETE ON ipam_addresses
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION placement_addresses_gone();

CREATE FUNCTION placement_addresses_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO placement_changes (kind, name)
  SELECT DISTINCT 'Subnet', a.subnet FROM earlier b JOIN later a USING (ip)
  WHERE (b.in_fixed_range, b.in_fixed_range AND b.state = 'free' AND b.condition = 'usable')
    <> (a.in_fixed_range, a.in_fixed_range AND a.state = 'free' AND a.condition = 'usable');
  RETURN NULL;
END $$;
CREATE TRIGGER ipam_addresses_placement_change AFTER UPDATE ON ipam_addresses
  REFERENCING OLD TABLE AS earlier NEW TABLE AS later FOR EACH STATEMENT EXECUTE FUNCTION placement_addresses_changed();
