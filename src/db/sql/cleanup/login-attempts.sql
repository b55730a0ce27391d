-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM login_attempts
  WHERE (failed_at < now() - interval '1 day' AND coalesce(logged_in_at < now() - interval '90 days', true))
  LIMIT 5000
  FOR UPDATE SKIP LOCKED
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM login_attempts
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND (failed_at < now() - interval '1 day' AND coalesce(logged_in_at < now() - interval '90 days', true))
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
