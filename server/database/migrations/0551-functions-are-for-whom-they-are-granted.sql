-- A function is everybody's unless that is revoked, and default privileges of a schema can't revoke what is given globally (PostgreSQL 18, ALTER DEFAULT
-- PRIVILEGES): the server's role could have put a trigger function of the owner's on a temporary table of its own, and forged history by it.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA wcs FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
