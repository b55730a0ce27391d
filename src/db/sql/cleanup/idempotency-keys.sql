-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM idempotency_keys
  WHERE created_at < now() - make_interval(hours => 24)
  LIMIT 5000
  FOR UPDATE SKIP LOCKED
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM idempotency_keys
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND created_at < now() - make_interval(hours => 24)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
