-- Whether the past of a source was fetched.

ALTER TABLE sources ADD COLUMN filled_at timestamptz;
UPDATE sources s SET filled_at = s.installed_at
WHERE EXISTS (SELECT FROM runs r WHERE r.source = s.name AND r.verdict <> 'broken' AND NOT r.past);
