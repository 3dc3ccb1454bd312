-- Groups, service accounts, roles and role bindings. `document` is title and spec as the API takes them; what is searched and referred to has
-- columns and tables of its own, so that the database itself refuses a reference to nothing.
CREATE TABLE groups (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
  business text,
  document jsonb NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE group_members (
  group_name text NOT NULL REFERENCES groups ON DELETE CASCADE,
  person text NOT NULL,
  PRIMARY KEY (person, group_name)
);

CREATE TABLE service_accounts (LIKE groups INCLUDING ALL);

CREATE TABLE roles (LIKE groups INCLUDING ALL);

CREATE TABLE role_bindings (
  LIKE groups INCLUDING ALL,
  role text NOT NULL GENERATED ALWAYS AS (document #>> '{spec,role}') STORED REFERENCES roles
);
CREATE INDEX role_bindings_role ON role_bindings (role);
CREATE TABLE role_binding_subjects (
  binding text NOT NULL REFERENCES role_bindings ON DELETE CASCADE,
  person text,
  group_name text REFERENCES groups,
  service_account text REFERENCES service_accounts,
  CHECK (num_nonnulls(person, group_name, service_account) = 1),
  UNIQUE NULLS NOT DISTINCT (binding, person, group_name, service_account)
);
CREATE INDEX role_binding_subjects_person ON role_binding_subjects (person);
CREATE INDEX role_binding_subjects_group ON role_binding_subjects (group_name);
CREATE INDEX role_binding_subjects_service_account ON role_binding_subjects (service_account);
