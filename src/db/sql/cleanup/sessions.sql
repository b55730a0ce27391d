-- Scheduled cleanup: $1 idle_minutes integer
WITH batch AS (
  SELECT ctid FROM sessions
  WHERE (expires_at < now() OR ended_at < now() - interval '1 day'
    OR last_used_at < now() - make_interval(mins => $1::int))
  LIMIT 5000
  FOR UPDATE SKIP LOCKED
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM sessions
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND (expires_at < now() OR ended_at < now() - interval '1 day'
      OR last_used_at < now() - make_interval(mins => $1::int))
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
