-- GET /calendar/:feed: $1 token_hash text, $2 request_id uuid, $3 address text
WITH feed AS (
  SELECT cf.*, cf.ended_at IS NULL AND EXISTS (
    SELECT FROM users u JOIN memberships ms ON ms.account_id = u.id AND ms.clinic_id = cf.clinic_id
    WHERE u.id = cf.account_id AND u.active AND NOT u.must_change_password AND u.role <> 'auditor'
      AND (cf.doctor_id IS NULL OR cf.doctor_id = u.doctor_id)
      AND ms.ended_at IS NULL AND ms.clinic_active AND ms.created_at <= cf.created_at
  ) AS is_valid FROM calendar_feeds cf WHERE cf.token_hash = $1::text
),
valid_feed AS (SELECT * FROM feed WHERE is_valid),
used AS (
  -- At most once an hour: programs ask every few minutes.
  UPDATE calendar_feeds cf SET last_used_at = now() FROM valid_feed
  WHERE cf.id = valid_feed.id AND coalesce(cf.last_used_at < now() - interval '1 hour', true)
),
event AS (
  SELECT * FROM (
    (
      SELECT a.* FROM appointments a WHERE a.owner_id = (SELECT clinic_id FROM valid_feed WHERE doctor_id IS NULL) AND a.starts_at >= now() AND a.starts_at <= now() + interval '366 days'
      ORDER BY a.starts_at ASC, a.id ASC LIMIT 2000
    )
    UNION ALL (
      SELECT a.* FROM appointments a WHERE a.owner_id = (SELECT clinic_id FROM valid_feed WHERE doctor_id IS NULL) AND a.starts_at < now() AND a.starts_at >= now() - interval '31 days'
      ORDER BY a.starts_at DESC, a.id DESC LIMIT 2000
    )
    UNION ALL (
      SELECT a.* FROM appointments a WHERE a.owner_id IS NOT NULL AND a.doctor_id = (SELECT doctor_id FROM valid_feed) AND a.starts_at >= now() AND a.starts_at <= now() + interval '366 days'
      ORDER BY a.starts_at ASC, a.id ASC LIMIT 2000
    )
    UNION ALL (
      SELECT a.* FROM appointments a WHERE a.owner_id IS NOT NULL AND a.doctor_id = (SELECT doctor_id FROM valid_feed) AND a.starts_at < now() AND a.starts_at >= now() - interval '31 days'
      ORDER BY a.starts_at DESC, a.id DESC LIMIT 2000
    )
  ) a
  ORDER BY a.starts_at < now(), greatest(a.starts_at - now(), now() - a.starts_at), a.id
  LIMIT 2000
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, clinic_id, request_id, address, action, outcome, patients, doctor_id, changes)
  SELECT u.id, u.username, u.role, feed.clinic_id, $2::uuid, $3::text,
    'feed',
    CASE WHEN feed.is_valid THEN 'done'
      ELSE 'refused' END,
    (SELECT array_agg(DISTINCT patient_id) FROM event),
    feed.doctor_id,
    concat('{"feed":{"before":', coalesce((feed.id)::text, 'null'), ',"after":', coalesce((feed.id)::text, 'null'), '}}')::json
  FROM feed JOIN users u ON u.id = feed.account_id
)
SELECT label, (
  SELECT ('[' || coalesce(string_agg((SELECT row_to_json(o) FROM (SELECT a.id, substr(to_json(a.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS starts_at, substr(to_json(a.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS ends_at, a.status,
      substr(to_json(a.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS updated_at, a.version) o)::text, ',' ORDER BY a.starts_at, a.id), '') || ']')::json::text
  FROM event a
) AS appointments
FROM valid_feed;
