-- Scheduled cleanup: no parameters
WITH batch AS (
  SELECT ctid FROM probes
  WHERE hour < this_hour() - 1
  LIMIT 5000
),
deleted AS (
  -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
  -- the newest version).
  DELETE FROM probes
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
    AND hour < this_hour() - 1
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM deleted;
