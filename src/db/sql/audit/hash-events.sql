-- Scheduled cleanup: $1 after_at timestamp with time zone, $2 day date, $3 after_id bigint, $4 previous text
WITH hashed AS (
  SELECT e.at, e.id, e.changes IS NULL AND e.changes_sha256 IS NOT NULL AS is_erased,
    h.changes_hash <> e.changes_sha256 AS is_altered,
    sha256(convert_to(json_strip_nulls((
      SELECT row_to_json(o) FROM (
        SELECT e.id, substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS at,
          e.account_id, e.username, e.role, e.session_id, e.clinic_id, e.action, e.outcome,
          e.patient_id, e.patients, e.doctor_id, e.subject_id, e.address, e.request_id, e.reason,
          coalesce(e.changes_sha256, h.changes_hash) AS changes_sha256
      ) o
    ))::text, 'UTF8')) AS hash
  FROM (
    SELECT * FROM audit_events e
    WHERE e.at >= coalesce($1::timestamptz, $2::date::timestamp AT TIME ZONE 'UTC')
      AND e.at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND ($1::timestamptz IS NULL OR (e.at, e.id) > ($1::timestamptz, $3::bigint))
    ORDER BY e.at, e.id LIMIT 20000
  ) e
    CROSS JOIN LATERAL (SELECT encode(sha256(convert_to(e.changes::text, 'UTF8')), 'hex') AS changes_hash OFFSET 0) h
)
SELECT count(*)::int AS events,
  (array_agg(id ORDER BY at, id))[1]::text AS first_id,
  (array_agg(id ORDER BY at, id))[count(*)::int]::text AS last_id,
  substr(to_json(max(at) AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS last_at,
  encode(sha256(decode($4::text, 'hex') || coalesce(string_agg(hash, '' ORDER BY at, id), '')), 'hex') AS sha256,
  count(*) FILTER (WHERE is_erased)::int AS erased,
  count(*) FILTER (WHERE is_altered)::int AS altered
FROM hashed;
