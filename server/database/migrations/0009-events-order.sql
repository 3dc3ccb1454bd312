-- The log is read in windows of transaction ids, and by id within a window: ids are taken when a change's row lock is held, so that changes of one
-- resource come in the order in which they were made. (By xid alone a transaction that had waited for another's lock could come before it.)
CREATE UNIQUE INDEX events_id ON events (id);
ALTER TABLE event_log DROP COLUMN pruned_id;
