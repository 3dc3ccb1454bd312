-- A request may be for several subsystems, planned together: each place says whose it is. A plan that waits for approval gets another hash by it, is planned
-- anew when it is approved, and shown.
UPDATE requests r SET plan = jsonb_set(plan, '{places}', coalesce(
  (SELECT jsonb_agg(p || jsonb_build_object('subsystem', r.subsystem, 'lifetime', coalesce(r.body ->> 'lifetime', 'long-term')))
   FROM jsonb_array_elements(r.plan -> 'places') p), '[]'))
WHERE jsonb_typeof(plan -> 'places') = 'array';
