-- The server's role works on tables that the owner's role owns. What it may not do is revoked table by table (0003-audit).
GRANT USAGE ON SCHEMA wcs TO wcs_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA wcs GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO wcs_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA wcs GRANT USAGE, SELECT ON SEQUENCES TO wcs_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA wcs REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT SELECT ON migrations TO wcs_server;
