-- People, businesses, environments and DCN groups that groups, service accounts and role bindings name can't go. NOT VALID: what was left behind before is
-- not looked for, and whoever changes such a record has to mend it.
ALTER TABLE groups ADD CONSTRAINT groups_business_fkey FOREIGN KEY (business) REFERENCES businesses NOT VALID;
ALTER TABLE service_accounts ADD CONSTRAINT service_accounts_business_fkey FOREIGN KEY (business) REFERENCES businesses NOT VALID;
CREATE INDEX groups_business ON groups (business) WHERE business IS NOT NULL;
CREATE INDEX service_accounts_business ON service_accounts (business) WHERE business IS NOT NULL;
ALTER TABLE group_members ADD CONSTRAINT group_members_person_fkey FOREIGN KEY (person) REFERENCES people NOT VALID;
ALTER TABLE role_binding_subjects ADD CONSTRAINT role_binding_subjects_person_fkey FOREIGN KEY (person) REFERENCES people NOT VALID;

-- What a role binding is bound to, one row for each name.
CREATE TABLE role_binding_bounds (
  binding text NOT NULL REFERENCES role_bindings ON DELETE CASCADE,
  business text,
  environment text,
  dcn_group text,
  CHECK (num_nonnulls(business, environment, dcn_group) = 1),
  UNIQUE NULLS NOT DISTINCT (binding, business, environment, dcn_group)
);
INSERT INTO role_binding_bounds (binding, business)
  SELECT name, jsonb_array_elements_text(document #> '{spec,businesses}') FROM role_bindings;
INSERT INTO role_binding_bounds (binding, environment)
  SELECT name, jsonb_array_elements_text(document #> '{spec,environments}') FROM role_bindings;
INSERT INTO role_binding_bounds (binding, dcn_group)
  SELECT name, jsonb_array_elements_text(document #> '{spec,dcnGroups}') FROM role_bindings;
ALTER TABLE role_binding_bounds
  ADD CONSTRAINT role_binding_bounds_business_fkey FOREIGN KEY (business) REFERENCES businesses NOT VALID,
  ADD CONSTRAINT role_binding_bounds_environment_fkey FOREIGN KEY (environment) REFERENCES environments NOT VALID,
  ADD CONSTRAINT role_binding_bounds_dcn_group_fkey FOREIGN KEY (dcn_group) REFERENCES dcn_groups NOT VALID;
CREATE INDEX role_binding_bounds_business ON role_binding_bounds (business) WHERE business IS NOT NULL;
CREATE INDEX role_binding_bounds_environment ON role_binding_bounds (environment) WHERE environment IS NOT NULL;
CREATE INDEX role_binding_bounds_dcn_group ON role_binding_bounds (dcn_group) WHERE dcn_group IS NOT NULL;
