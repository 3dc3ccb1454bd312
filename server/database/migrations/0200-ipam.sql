-- The address ledger. What the estate says of networks, as the ledger last took it over.
CREATE TABLE ipam_areas (
  name text PRIMARY KEY,
  external boolean NOT NULL,
  prefixes text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE ipam_subnets (
  name text PRIMARY KEY,
  rack text NOT NULL,
  area text NOT NULL REFERENCES ipam_areas,
  network cidr NOT NULL CHECK (family(network) = 4),
  gateway inet NOT NULL CHECK (gateway << network),
  fixed_first inet,
  fixed_last inet,
  dynamic_first inet,
  dynamic_last inet,
  conflict_probe boolean NOT NULL,
  -- Raised with every change of the hosts' blocks: whoever changes them has this row.
  blocks_version bigint NOT NULL DEFAULT 0,
  -- The bank has one network: an address is in one subnet.
  EXCLUDE USING gist (network inet_ops WITH &&),
  CHECK ((fixed_first IS NULL) = (fixed_last IS NULL)),
  CHECK ((dynamic_first IS NULL) = (dynamic_last IS NULL)),
  CHECK (fixed_first <<= network AND fixed_last <<= network AND fixed_first <= fixed_last),
  CHECK (dynamic_first <<= network AND dynamic_last <<= network AND dynamic_first <= dynamic_last),
  CHECK (fixed_last < dynamic_first OR dynamic_last < fixed_first)
);

-- What happens to the addresses of a subsystem's retired instances; a subsystem without a row has the default of core/ipam.
CREATE TABLE ipam_policies (
  subsystem text PRIMARY KEY,
  release text NOT NULL CHECK (release IN ('never', 'after-ttl')),
  ttl_ms bigint CHECK (ttl_ms >= 300000),
  cool_down_ms bigint NOT NULL CHECK (cool_down_ms >= 0),
  version bigint NOT NULL DEFAULT 1,
  CHECK ((release = 'after-ttl') = (ttl_ms IS NOT NULL))
);

-- Grows with every giving of an address, over all owners, so that of two pods of an instance the lower number is the older.
CREATE SEQUENCE ipam_generations;

-- A row for each address that can be given out, and for each that something has outside of the fixed ranges. The last five columns say who
-- made this version of the row and why; every version is in ipam_history.
CREATE TABLE ipam_addresses (
  ip inet PRIMARY KEY CHECK (family(ip) = 4 AND masklen(ip) = 32),
  subnet text NOT NULL REFERENCES ipam_subnets,
  in_fixed_range boolean NOT NULL,
  state text NOT NULL DEFAULT 'free' CHECK (state IN ('free', 'reserved', 'bound', 'held', 'cooling')),
  condition text NOT NULL DEFAULT 'usable' CHECK (condition IN ('usable', 'conflict', 'blocked')),
  condition_note text,
  owner_kind text CHECK (owner_kind IN ('instance', 'vm', 'device', 'host')),
  owner text,
  nic text,
  subsystem text,
  business text,
  environment text,
  dcn_group text,
  generation bigint NOT NULL DEFAULT 0,
  pod_uid text,
  container_id text,
  host text,
  pods text[] NOT NULL DEFAULT '{}' CHECK (cardinality(pods) <= 16),
  retired boolean NOT NULL DEFAULT false,
  release_at timestamptz,
  free_at timestamptz,
  freed_at timestamptz,
  version bigint NOT NULL DEFAULT 0,
  act text NOT NULL,
  actor text NOT NULL,
  reason text,
  ticket text,
  request_id text,
  -- The impossible states (core/ipam/address-record.ts, `impossibility`).
  CONSTRAINT owned_by_state CHECK ((state IN ('reserved', 'bound', 'held')) = (owner IS NOT NULL)),
  CONSTRAINT owner_whole CHECK ((owner IS NULL) = (owner_kind IS NULL) AND (owner IS NULL) = (nic IS NULL)),
  CONSTRAINT ownerless_is_nobodys CHECK (owner IS NOT NULL OR (subsystem IS NULL AND business IS NULL AND environment IS NULL AND dcn_group IS NULL)),
  CONSTRAINT owned_with_generation CHECK (owner IS NULL OR generation > 0),
  CONSTRAINT binding_whole CHECK ((pod_uid IS NULL) = (container_id IS NULL) AND (pod_uid IS NULL) = (host IS NULL)),
  CONSTRAINT binding_by_state CHECK ((pod_uid IS NOT NULL) = (state = 'bound' AND owner_kind = 'instance')),
  CONSTRAINT bound_to_latest_pod CHECK (pod_uid IS NULL OR pod_uid = pods[cardinality(pods)]),
  CONSTRAINT podless_not_held CHECK (state <> 'held' OR owner_kind = 'instance'),
  CONSTRAINT retired_is_held CHECK (NOT retired OR state = 'held'),
  CONSTRAINT release_of_retired CHECK (release_at IS NULL OR retired),
  CONSTRAINT cooling_ends CHECK ((free_at IS NOT NULL) = (state = 'cooling'))
);
CREATE UNIQUE INDEX ipam_addresses_owner ON ipam_addresses (owner_kind, owner, nic) WHERE owner IS NOT NULL;
-- The order in which addresses are given out (core/ipam/choose-addresses.ts).
CREATE INDEX ipam_addresses_next ON ipam_addresses (subnet, freed_at NULLS FIRST, ip)
  WHERE state = 'free' AND condition = 'usable' AND in_fixed_range;
CREATE INDEX ipam_addresses_free_at ON ipam_addresses (free_at) WHERE free_at IS NOT NULL;
CREATE INDEX ipam_addresses_release_at ON ipam_addresses (release_at) WHERE release_at IS NOT NULL;
CREATE INDEX ipam_addresses_host ON ipam_addresses (host) WHERE host IS NOT NULL;
CREATE INDEX ipam_addresses_pod ON ipam_addresses (pod_uid) WHERE pod_uid IS NOT NULL;
CREATE INDEX ipam_addresses_business ON ipam_addresses (business, ip) WHERE business IS NOT NULL;
CREATE INDEX ipam_addresses_subnet ON ipam_addresses (subnet, ip);

-- Every version of every address, made by the trigger alone.
CREATE TABLE ipam_history (
  ip inet NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  state text NOT NULL,
  condition text NOT NULL,
  condition_note text,
  owner_kind text,
  owner text,
  nic text,
  business text,
  environment text,
  dcn_group text,
  generation bigint NOT NULL,
  pod_uid text,
  container_id text,
  host text,
  retired boolean NOT NULL,
  release_at timestamptz,
  free_at timestamptz,
  act text NOT NULL,
  actor text NOT NULL,
  reason text,
  ticket text,
  request_id text,
  PRIMARY KEY (ip, version)
);

-- The states' order, once more where nothing can go around it, and the version that makes the history whole.
CREATE FUNCTION ipam_check_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  IF NEW.ip <> OLD.ip THEN
    RAISE EXCEPTION 'an address can''t become another: % to %', OLD.ip, NEW.ip;
  END IF;
  IF NEW.generation < OLD.generation THEN
    RAISE EXCEPTION '%: generation % is older than %', OLD.ip, NEW.generation, OLD.generation;
  END IF;
  IF OLD.owner IS NOT NULL AND NEW.owner IS NOT NULL
     AND (OLD.owner_kind, OLD.owner, OLD.nic) IS DISTINCT FROM (NEW.owner_kind, NEW.owner, NEW.nic) THEN
    RAISE EXCEPTION '% can''t go from % straight to %', OLD.ip, OLD.owner, NEW.owner;
  END IF;
  IF OLD.state = NEW.state
     OR (OLD.state, NEW.state) IN (('free', 'reserved'), ('reserved', 'bound'), ('reserved', 'cooling'), ('bound', 'held'),
                                   ('held', 'bound'), ('held', 'cooling'), ('cooling', 'free'))
     -- A retired instance that returns; what has no pod, which is assigned and goes by people.
     OR (OLD.state = 'held' AND OLD.retired AND NEW.state = 'reserved')
     OR (NEW.owner_kind <> 'instance' AND OLD.state = 'free' AND NEW.state = 'bound')
     OR (OLD.owner_kind <> 'instance' AND OLD.state = 'bound' AND NEW.state = 'cooling') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% can''t go from % to %', OLD.ip, OLD.state, NEW.state;
END $$;
CREATE TRIGGER ipam_addresses_change BEFORE UPDATE ON ipam_addresses FOR EACH ROW EXECUTE FUNCTION ipam_check_change();

-- An address that was in the ledger before goes on where its history ends.
CREATE FUNCTION ipam_check_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version <> 0 OR NEW.state <> 'free' THEN
    RAISE EXCEPTION '%: an address comes into the ledger free', NEW.ip;
  END IF;
  SELECT h.version, h.generation, h.at INTO NEW.version, NEW.generation, NEW.freed_at
    FROM ipam_history h WHERE h.ip = NEW.ip ORDER BY h.version DESC LIMIT 1;
  NEW.version := coalesce(NEW.version, 0);
  NEW.generation := coalesce(NEW.generation, 0);
  RETURN NEW;
END $$;
CREATE TRIGGER ipam_addresses_new BEFORE INSERT ON ipam_addresses FOR EACH ROW EXECUTE FUNCTION ipam_check_new();

CREATE FUNCTION ipam_write_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
BEGIN
  INSERT INTO ipam_history (ip, version, state, condition, condition_note, owner_kind, owner, nic, business, environment, dcn_group,
    generation, pod_uid, container_id, host, retired, release_at, free_at, act, actor, reason, ticket, request_id)
  SELECT ip, version, state, condition, condition_note, owner_kind, owner, nic, business, environment, dcn_group,
    generation, pod_uid, container_id, host, retired, release_at, free_at, act, actor, reason, ticket, request_id FROM changed;
  RETURN NULL;
END $$;
CREATE TRIGGER ipam_addresses_history AFTER UPDATE ON ipam_addresses
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ipam_write_history();

REVOKE ALL ON ipam_history FROM wcs_server;
GRANT SELECT ON ipam_history TO wcs_server;
REVOKE DELETE, TRUNCATE ON ipam_addresses FROM wcs_server;

-- Locks up to `wanted` free addresses of a subnet, in their order. What others have locked is skipped; where that leaves too few, it waits
-- for them instead, so that a refusal is never due to a transaction that is then undone.
CREATE FUNCTION ipam_take(subnet_name text, wanted int) RETURNS SETOF inet LANGUAGE plpgsql AS $$
DECLARE
  taken inet[];
BEGIN
  BEGIN
    taken := ARRAY(SELECT ip FROM ipam_addresses
      WHERE subnet = subnet_name AND state = 'free' AND condition = 'usable' AND in_fixed_range
      ORDER BY freed_at NULLS FIRST, ip LIMIT wanted FOR UPDATE SKIP LOCKED);
    IF cardinality(taken) < wanted THEN
      RAISE EXCEPTION USING ERRCODE = 'W0001';
    END IF;
  EXCEPTION WHEN SQLSTATE 'W0001' THEN
    -- Leaving the inner block has let go of what it had locked.
    taken := ARRAY(SELECT ip FROM ipam_addresses
      WHERE subnet = subnet_name AND state = 'free' AND condition = 'usable' AND in_fixed_range
      ORDER BY freed_at NULLS FIRST, ip LIMIT wanted FOR UPDATE);
  END;
  RETURN QUERY SELECT unnest(taken);
END $$;
GRANT EXECUTE ON FUNCTION ipam_take TO wcs_server;

-- Blocks of dynamic ranges that hosts give out from. `returning`: the host gives out no more of it, and may still have some.
CREATE TABLE ipam_blocks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subnet text NOT NULL REFERENCES ipam_subnets,
  host text NOT NULL,
  first_ip inet NOT NULL,
  last_ip inet NOT NULL CHECK (first_ip <= last_ip),
  state text NOT NULL DEFAULT 'granted' CHECK (state IN ('granted', 'returning', 'returned')),
  generation bigint NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  returned_at timestamptz,
  CHECK ((state = 'returned') = (returned_at IS NOT NULL)),
  EXCLUDE USING gist (int8range(first_ip - '0.0.0.0'::inet, last_ip - '0.0.0.0'::inet, '[]') WITH &&) WHERE (state <> 'returned')
);
CREATE INDEX ipam_blocks_host ON ipam_blocks (host) WHERE state <> 'returned';
REVOKE DELETE, TRUNCATE ON ipam_blocks FROM wcs_server;

-- Takes a subnet out of the ledger; its addresses' history stays. Only while nothing of it is anybody's.
CREATE FUNCTION ipam_forget_subnet(subnet_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = wcs, pg_temp AS $$
BEGIN
  PERFORM 1 FROM ipam_subnets WHERE name = subnet_name FOR UPDATE;
  PERFORM 1 FROM ipam_addresses WHERE subnet = subnet_name FOR UPDATE;
  IF EXISTS (SELECT 1 FROM ipam_addresses WHERE subnet = subnet_name AND state <> 'free')
     OR EXISTS (SELECT 1 FROM ipam_blocks WHERE subnet = subnet_name AND state <> 'returned') THEN
    RAISE EXCEPTION 'subnet % has addresses or blocks in use', subnet_name USING ERRCODE = 'W0002';
  END IF;
  DELETE FROM ipam_blocks WHERE subnet = subnet_name;
  DELETE FROM ipam_addresses WHERE subnet = subnet_name;
  DELETE FROM ipam_subnets WHERE name = subnet_name;
END $$;
GRANT EXECUTE ON FUNCTION ipam_forget_subnet TO wcs_server;

-- The last report of each host, and when it came.
CREATE TABLE ipam_host_reports (
  host text PRIMARY KEY,
  sequence bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  report jsonb NOT NULL
);

-- Where ledger, Kubernetes and hosts differed at the last comparison.
CREATE TABLE ipam_differences (
  kind text NOT NULL,
  ip inet NOT NULL,
  host text NOT NULL DEFAULT '',
  instance text,
  business text,
  environment text,
  dcn_group text,
  detail text NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen timestamptz NOT NULL DEFAULT now(),
  times_seen bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (ip, kind, host)
);

-- Leaks that were seen and are not yet believed (core/ipam/collect-garbage.ts).
CREATE TABLE ipam_suspicions (
  key text PRIMARY KEY,
  first_seen timestamptz NOT NULL,
  times_seen bigint NOT NULL
);
