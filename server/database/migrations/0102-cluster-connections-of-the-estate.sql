-- A connection is of a cluster of the estate, which can't be deleted while it stands.
ALTER TABLE cluster_connections ADD FOREIGN KEY (name) REFERENCES clusters;
