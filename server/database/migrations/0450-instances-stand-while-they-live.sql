-- What an instance stands on can't go while the instance is there, and can when it is retired: its history keeps the names as text. PostgreSQL
-- makes these columns empty when the instance retires, and holds the references of those that are not.
ALTER TABLE instances
  DROP CONSTRAINT instances_dcn_fkey,
  DROP CONSTRAINT instances_cluster_fkey,
  DROP CONSTRAINT instances_host_fkey,
  DROP CONSTRAINT instances_class_fkey,
  ADD COLUMN live_dcn text GENERATED ALWAYS AS (CASE WHEN retired_at IS NULL THEN dcn END) STORED REFERENCES dcns,
  ADD COLUMN live_cluster text GENERATED ALWAYS AS (CASE WHEN retired_at IS NULL THEN cluster END) STORED REFERENCES clusters,
  ADD COLUMN live_host text GENERATED ALWAYS AS (CASE WHEN retired_at IS NULL THEN host END) STORED REFERENCES hosts,
  ADD COLUMN live_class text GENERATED ALWAYS AS (CASE WHEN retired_at IS NULL THEN class END) STORED REFERENCES classes;
CREATE INDEX instances_live_dcn ON instances (live_dcn) WHERE live_dcn IS NOT NULL;
CREATE INDEX instances_live_cluster ON instances (live_cluster) WHERE live_cluster IS NOT NULL;
CREATE INDEX instances_live_host ON instances (live_host) WHERE live_host IS NOT NULL;
CREATE INDEX instances_live_class ON instances (live_class) WHERE live_class IS NOT NULL;
