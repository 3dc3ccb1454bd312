-- Instances that a release was planned for and that were gone when it was planned again.
ALTER TABLE release_targets ADD COLUMN left_out boolean NOT NULL DEFAULT false;
