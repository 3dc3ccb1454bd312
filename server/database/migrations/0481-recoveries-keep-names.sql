-- A recovery is history: its clusters' names stay when the clusters go. While one runs, its instances keep their clusters.
ALTER TABLE recoveries DROP CONSTRAINT recoveries_cluster_fkey;
ALTER TABLE recovery_moves DROP CONSTRAINT recovery_moves_to_cluster_fkey;
