-- The estate: a table for each kind, with `name` as its key, for others to refer to. `document` is title, labels and spec as the API takes them. What it
-- refers to stands in columns that PostgreSQL itself makes from it, so that a reference to nothing is refused whoever writes. What a record
-- belongs to (business, environment, dcn_group) is worked out when it is written; the rules keep what it is worked out from from changing meanwhile.
-- Writers come one at a time: they lock the row of estate_state. `version` is the estate's, at the record's last change: it never comes
-- again, not even for a name that was deleted and made anew.
CREATE TABLE estate_state (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL,
  -- Which attempt wrote last: a server that keeps the estate in memory knows by it whether its own commit arrived.
  writer text NOT NULL
);
INSERT INTO estate_state (version, writer) VALUES (0, '');

-- What was deleted, for servers that keep the estate in memory.
CREATE TABLE estate_deletions (
  version bigint NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (version, kind, name)
);

CREATE TABLE cities (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(name) <= 63),
  document jsonb NOT NULL CHECK (document ? 'spec'),
  version bigint NOT NULL,
  business text,
  environment text,
  dcn_group text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cities_version ON cities (version);

CREATE TABLE idcs (
  LIKE cities INCLUDING ALL,
  city text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,city}') STORED REFERENCES cities
);
CREATE INDEX idcs_city ON idcs (city, name);

CREATE TABLE areas (LIKE cities INCLUDING ALL);

CREATE TABLE racks (
  LIKE cities INCLUDING ALL,
  idc text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,idc}') STORED REFERENCES idcs,
  state text NOT NULL GENERATED ALWAYS AS (coalesce(document #>> '{spec,state}', 'available')) STORED
);
CREATE INDEX racks_idc ON racks (idc, name);

CREATE TABLE subnets (
  LIKE cities INCLUDING ALL,
  rack text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,rack}') STORED REFERENCES racks,
  area text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,area}') STORED REFERENCES areas,
  cidr cidr NOT NULL GENERATED ALWAYS AS ((document #>> '{spec,cidr}')::cidr) STORED,
  gateway inet NOT NULL GENERATED ALWAYS AS ((document #>> '{spec,gateway}')::inet) STORED,
  CHECK (gateway << cidr),
  CONSTRAINT subnets_do_not_overlap EXCLUDE USING gist (cidr inet_ops WITH &&) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX subnets_rack ON subnets (rack, name);
CREATE INDEX subnets_area ON subnets (area, name);

CREATE TABLE environments (
  LIKE cities INCLUDING ALL,
  CHECK (environment = name)
);

CREATE TABLE businesses (
  LIKE cities INCLUDING ALL,
  CHECK (business = name)
);

CREATE TABLE people (
  LIKE cities INCLUDING ALL,
  FOREIGN KEY (business) REFERENCES businesses
);
CREATE INDEX people_business ON people (business, name);

CREATE TABLE systems (
  LIKE cities INCLUDING ALL,
  CHECK (business IS NOT NULL),
  FOREIGN KEY (business) REFERENCES businesses
);
CREATE INDEX systems_business ON systems (business, name);

-- Ids that are no names have a rule of their own: INCLUDING ALL would take the one for names along.
CREATE TABLE subsystems (
  LIKE cities INCLUDING ALL EXCLUDING CONSTRAINTS,
  CHECK (document ? 'spec'),
  CHECK (name ~ '^[0-9]{4}$'),
  CHECK (business IS NOT NULL),
  system text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,system}') STORED REFERENCES systems,
  owner text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,owner}') STORED REFERENCES people,
  importance text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,importance}') STORED
    CHECK (importance IN ('A', 'B', 'C', 'D')),
  FOREIGN KEY (business) REFERENCES businesses
);
CREATE INDEX subsystems_business ON subsystems (business, name);
CREATE INDEX subsystems_system ON subsystems (system, name);
CREATE INDEX subsystems_owner ON subsystems (owner, name);
CREATE TABLE subsystem_areas (
  subsystem text NOT NULL REFERENCES subsystems ON DELETE CASCADE,
  area text NOT NULL REFERENCES areas,
  PRIMARY KEY (subsystem, area)
);
CREATE INDEX subsystem_areas_area ON subsystem_areas (area);
-- Subsystems that a subsystem's rules name.
CREATE TABLE subsystem_neighbours (
  subsystem text NOT NULL REFERENCES subsystems ON DELETE CASCADE,
  neighbour text NOT NULL REFERENCES subsystems,
  PRIMARY KEY (subsystem, neighbour),
  CHECK (subsystem <> neighbour)
);
CREATE INDEX subsystem_neighbours_neighbour ON subsystem_neighbours (neighbour);

CREATE TABLE classes (
  LIKE cities INCLUDING ALL EXCLUDING CONSTRAINTS,
  CHECK (document ? 'spec'),
  CHECK (name ~ '^([1-9][0-9]{0,2}C[1-9][0-9]{0,3}G(-[a-z0-9]+)*|[a-z][a-z0-9]*(-[a-z0-9]+)*)$')
);

CREATE TABLE clusters (
  LIKE cities INCLUDING ALL,
  CHECK (environment IS NOT NULL),
  idc text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,idc}') STORED REFERENCES idcs,
  state text NOT NULL GENERATED ALWAYS AS (coalesce(document #>> '{spec,state}', 'available')) STORED,
  FOREIGN KEY (environment) REFERENCES environments
);
CREATE INDEX clusters_idc ON clusters (idc, name);
CREATE INDEX clusters_environment ON clusters (environment, name);

CREATE TABLE pools (
  LIKE cities INCLUDING ALL,
  CHECK (environment IS NOT NULL),
  big_class text GENERATED ALWAYS AS (document #>> '{spec,bigClass}') STORED REFERENCES classes,
  FOREIGN KEY (environment) REFERENCES environments
);
CREATE INDEX pools_environment ON pools (environment, name);
CREATE INDEX pools_big_class ON pools (big_class);
CREATE TABLE pool_quotas (
  pool text NOT NULL REFERENCES pools ON DELETE CASCADE,
  business text NOT NULL REFERENCES businesses,
  guarantee_cpu_milli bigint NOT NULL CHECK (guarantee_cpu_milli >= 0),
  guarantee_memory_mib bigint NOT NULL CHECK (guarantee_memory_mib >= 0),
  limit_cpu_milli bigint NOT NULL CHECK (limit_cpu_milli >= guarantee_cpu_milli),
  limit_memory_mib bigint NOT NULL CHECK (limit_memory_mib >= guarantee_memory_mib),
  PRIMARY KEY (pool, business)
);
CREATE INDEX pool_quotas_business ON pool_quotas (business);

CREATE TABLE hosts (
  LIKE cities INCLUDING ALL,
  rack text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,rack}') STORED REFERENCES racks,
  cluster text GENERATED ALWAYS AS (document #>> '{spec,cluster}') STORED REFERENCES clusters,
  pool text GENERATED ALWAYS AS (document #>> '{spec,pool}') STORED REFERENCES pools,
  state text NOT NULL GENERATED ALWAYS AS (coalesce(document #>> '{spec,state}', 'available')) STORED,
  cpu_milli bigint NOT NULL GENERATED ALWAYS AS ((document #>> '{spec,capacity,cpuMilli}')::bigint) STORED CHECK (cpu_milli > 0),
  memory_mib bigint NOT NULL GENERATED ALWAYS AS ((document #>> '{spec,capacity,memoryMiB}')::bigint) STORED CHECK (memory_mib > 0),
  CHECK (pool IS NULL OR cluster IS NOT NULL)
);
CREATE INDEX hosts_rack ON hosts (rack, name);
CREATE INDEX hosts_cluster ON hosts (cluster, name);
CREATE INDEX hosts_pool ON hosts (pool, name);
CREATE INDEX hosts_environment ON hosts (environment, name);
CREATE INDEX hosts_state ON hosts (state, name) WHERE state <> 'available';

CREATE TABLE dcn_groups (
  LIKE cities INCLUDING ALL EXCLUDING CONSTRAINTS,
  CHECK (document ? 'spec'),
  CHECK (name ~ '^([0-9A-Z]{2}|ADM)$'),
  CHECK (dcn_group = name)
);

CREATE TABLE dcns (
  LIKE cities INCLUDING ALL EXCLUDING CONSTRAINTS,
  CHECK (document ? 'spec'),
  CHECK (name ~ '^[0-9A-Z]{3}$'),
  CHECK (environment IS NOT NULL AND dcn_group IS NOT NULL),
  idc text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,idc}') STORED REFERENCES idcs,
  role text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,role}') STORED CHECK (role IN ('active', 'standby')),
  database_rack text GENERATED ALWAYS AS (document #>> '{spec,databaseRack}') STORED REFERENCES racks,
  FOREIGN KEY (environment) REFERENCES environments,
  FOREIGN KEY (dcn_group) REFERENCES dcn_groups
);
CREATE INDEX dcns_idc ON dcns (idc, name);
CREATE INDEX dcns_environment ON dcns (environment, name);
CREATE INDEX dcns_dcn_group ON dcns (dcn_group, name);
CREATE INDEX dcns_database_rack ON dcns (database_rack);
CREATE TABLE dcn_clusters (
  dcn text NOT NULL REFERENCES dcns ON DELETE CASCADE,
  cluster text NOT NULL REFERENCES clusters,
  PRIMARY KEY (dcn, cluster)
);
CREATE INDEX dcn_clusters_cluster ON dcn_clusters (cluster);

CREATE TABLE vms (
  LIKE cities INCLUDING ALL,
  rack text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,rack}') STORED REFERENCES racks,
  subsystem text GENERATED ALWAYS AS (document #>> '{spec,subsystem}') STORED REFERENCES subsystems,
  dcn text GENERATED ALWAYS AS (document #>> '{spec,dcn}') STORED REFERENCES dcns,
  CHECK ((subsystem IS NULL) = (dcn IS NULL))
);
CREATE INDEX vms_rack ON vms (rack, name);
CREATE INDEX vms_business ON vms (business, name);
CREATE INDEX vms_subsystem ON vms (subsystem, name);
CREATE INDEX vms_dcn ON vms (dcn, name);

-- Every address of a host or VM; no two have one.
CREATE TABLE machine_addresses (
  address inet PRIMARY KEY CHECK (family(address) = 4 AND masklen(address) = 32),
  area text NOT NULL REFERENCES areas,
  host text REFERENCES hosts ON DELETE CASCADE,
  vm text REFERENCES vms ON DELETE CASCADE,
  CHECK (num_nonnulls(host, vm) = 1)
);
CREATE INDEX machine_addresses_area ON machine_addresses (area);
CREATE INDEX machine_addresses_host ON machine_addresses (host);
CREATE INDEX machine_addresses_vm ON machine_addresses (vm);
