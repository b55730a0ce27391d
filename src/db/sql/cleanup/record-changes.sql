-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM record_changes
  WHERE at < now() - make_interval(days => 91)
  LIMIT 5000
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM record_changes
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND at < now() - make_interval(days => 91)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
