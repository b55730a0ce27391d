-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM emergency_accesses
  WHERE expires_at < now()
  LIMIT 5000
  FOR UPDATE SKIP LOCKED
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM emergency_accesses
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND expires_at < now()
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
