import type { Client } from "pg";

/** How large a bank the API's bench fills its database with. */
export const apiBank = { racks: 500, hosts: 20_000, instances: 200_000, dcns: 40, businesses: 20, subsystems: 400 };

/** Rows as the estate keeps them, written by SQL: what is measured is the API at this size, not the way to it. */
export async function fillEstate(owner: Client): Promise<void> {
  const { racks, hosts, instances, dcns, businesses, subsystems } = apiBank;
  const put = async (table: string, rows: string, more = "NULL, NULL, NULL"): Promise<void> => {
    await owner.query(
      `INSERT INTO ${table} (name, document, version, business, environment, dcn_group)
       SELECT name, jsonb_build_object('spec', spec), 1, ${more} FROM (${rows}) AS r`,
    );
  };
  const fixed = (name: string, spec: string): string => `SELECT '${name}' AS name, '${spec}'::jsonb AS spec`;
  const place = (first: number, offset: string): string => `host(('${first}.0.0.0'::inet + (${offset})::bigint))`;
  await owner.query("BEGIN");
  await put("cities", fixed("c1", "{}"));
  await put("idcs", fixed("idc1", '{"city":"c1"}'));
  await put("areas", fixed("core", '{"external":false}'));
  await put("environments", fixed("sit", '{"ticketRequired":false,"approvals":0}'), "NULL, 'sit', NULL");
  await put("racks", `SELECT 'r' || i AS name, '{"idc":"idc1"}'::jsonb AS spec FROM generate_series(1, ${racks}) i`);
  await put(
    "subnets",
    `SELECT 's' || i AS name, jsonb_build_object('rack', 'r' || i, 'area', 'core', 'cidr',
       ${place(10, "(i - 1) * 4096")} || '/20', 'gateway', ${place(10, "(i - 1) * 4096 + 1")}) AS spec FROM generate_series(1, ${racks}) i`,
  );
  await put("clusters", fixed("k1", '{"idc":"idc1","environment":"sit"}'), "NULL, 'sit', NULL");
  await put("pools", fixed("p1", '{"environment":"sit"}'), "NULL, 'sit', NULL");
  await put(
    "businesses",
    `SELECT 'b' || i AS name, '{}'::jsonb AS spec FROM generate_series(1, ${businesses}) i`,
    "name, NULL, NULL",
  );
  await put("people", fixed("owner", "{}"));
  const business = `'b' || ((i - 1) % ${businesses} + 1)`;
  await put(
    "systems",
    `SELECT 'y' || i AS name, jsonb_build_object('business', ${business}) AS spec, ${business} AS b FROM generate_series(1, ${subsystems}) i`,
    "b, NULL, NULL",
  );
  await put(
    "subsystems",
    `SELECT lpad(i::text, 4, '0') AS name, jsonb_build_object('system', 'y' || i, 'importance', 'A', 'owner', 'owner') AS spec,
       ${business} AS b FROM generate_series(1, ${subsystems}) i`,
    "b, NULL, NULL",
  );
  await put(
    "dcn_groups",
    `SELECT lpad(i::text, 2, '0') AS name, '{}'::jsonb AS spec FROM generate_series(1, ${dcns}) i`,
    "NULL, NULL, name",
  );
  await put(
    "dcns",
    `SELECT lpad(i::text, 2, '0') || '1' AS name, jsonb_build_object('group', lpad(i::text, 2, '0'), 'idc', 'idc1', 'environment', 'sit',
       'role', 'active') AS spec, lpad(i::text, 2, '0') AS g FROM generate_series(1, ${dcns}) i`,
    "NULL, 'sit', g",
  );
  await put(
    "hosts",
    `SELECT 'h' || i AS name, jsonb_build_object('rack', 'r' || ((i - 1) % ${racks} + 1), 'cluster', 'k1', 'pool', 'p1', 'addresses',
       jsonb_build_object('core', ${place(10, `((i - 1) % ${racks}) * 4096 + 2 + (i - 1) / ${racks}`)}),
       'capacity', '{"cpuMilli":64000,"memoryMiB":262144}'::jsonb) AS spec FROM generate_series(1, ${hosts}) i`,
    "NULL, 'sit', NULL",
  );
  await owner.query(
    "INSERT INTO machine_addresses (address, area, host) SELECT (document #>> '{spec,addresses,core}')::inet, 'core', name FROM hosts",
  );
  await put("classes", fixed("4C8G", '{"cpuMilli":4000,"memoryMiB":8192}'));
  await owner.query(
    `INSERT INTO requests (id, subsystem, business, environment, body, plan, plan_hash, state, requester)
     VALUES ('bench', '0001', 'b1', 'sit', '{}', '{}', '', 'delivered', 'owner')`,
  );
  // Without a design there is nothing to bring to a cluster: the reconcilers leave them alone.
  await owner.query(
    `INSERT INTO instances (name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool, class,
       lifetime, borrowed, nics, wish, state, state_reason, request)
     SELECT 'i' || i, i, lpad(((i - 1) % ${subsystems} + 1)::text, 4, '0'), ${business}, lpad(((i - 1) % ${dcns} + 1)::text, 2, '0') || '1',
       lpad(((i - 1) % ${dcns} + 1)::text, 2, '0'), 'sit', 'idc1', 'k1', 'r' || ((i - 1) % ${racks} + 1), 'h' || ((i - 1) % ${hosts} + 1),
       'h' || ((i - 1) % ${hosts} + 1), 'p1', '4C8G', 'long-term', false,
       jsonb_build_array(jsonb_build_object('nic', 'eth0', 'area', 'core', 'subnet', 's' || ((i - 1) % ${racks} + 1), 'ip',
         ${place(10, `((i - 1) % ${racks}) * 4096 + 100 + (i - 1) / ${racks}`)})), 'run', 'delivered', '', 'bench'
     FROM generate_series(1, ${instances}) i`,
  );
  await fillLedger(owner);
  await owner.query("UPDATE estate_state SET version = 1, writer = 'bench'");
  await owner.query("COMMIT");
  await owner.query("ANALYZE");
}

/** The ledger as it would be after a while: every instance has its address, and no pod at the moment, since there is no cluster. */
async function fillLedger(owner: Client): Promise<void> {
  await owner.query("INSERT INTO ipam_areas (name, external) VALUES ('core', false)");
  await owner.query(
    `INSERT INTO ipam_subnets (name, rack, area, network, gateway, conflict_probe)
     SELECT name, rack, area, cidr, gateway, true FROM subnets`,
  );
  await owner.query("ALTER TABLE ipam_addresses DISABLE TRIGGER USER");
  await owner.query(
    `INSERT INTO ipam_addresses (ip, subnet, in_fixed_range, state, owner_kind, owner, nic, subsystem, business, environment, dcn_group,
       generation, version, act, actor)
     SELECT (nics #>> '{0,ip}')::inet, nics #>> '{0,subnet}', false, 'held', 'instance', name, 'eth0', subsystem, business, environment,
       dcn_group, number, 1, 'bench', 'bench' FROM instances`,
  );
  await owner.query("ALTER TABLE ipam_addresses ENABLE TRIGGER USER");
}
