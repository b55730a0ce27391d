-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM invitations
  WHERE expires_at < now()
  LIMIT 5000
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM invitations
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND expires_at < now()
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
