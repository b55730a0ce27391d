-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM patient_merges
  WHERE at < now() - interval '30 days'
  LIMIT 5000
  FOR UPDATE SKIP LOCKED
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM patient_merges
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND at < now() - interval '30 days'
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
