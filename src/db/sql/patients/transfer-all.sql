-- POST /api/patients/transfer: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 to integer, $7 to_is_clinic boolean, $8 reason text, $9 from integer, $10 from_is_clinic boolean, $11 request_id uuid, $12 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR u.role = 'auditor' OR NOT (u.active AND u.token_version = $3::int)
      OR s.id IS NULL
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN ms.clinic_active IS NOT TRUE THEN 'token_revoked' END AS refusal,
    u.probing_until > now() AS is_probing
  FROM users u
    LEFT JOIN sessions s ON s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now()
    LEFT JOIN memberships ms ON ms.clinic_id = $1::int AND ms.account_id = u.id
  WHERE u.id = $5::int
),
caller AS (
  SELECT id, username, role, doctor_id, clinic_id, clinic_role, today FROM token_account
  WHERE refusal IS NULL AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
),
managed AS (SELECT ms.clinic_id FROM memberships ms
  WHERE ms.account_id = (SELECT id FROM caller) AND ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active
    AND NOT ms.is_interim AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')),
to_clinic AS (
  SELECT c.id, EXISTS (
    SELECT FROM memberships ms WHERE ms.clinic_id = c.id AND ms.is_interim AND ms.ended_at IS NULL
  ) AS has_interim_manager
  FROM clinics c LEFT JOIN users u ON u.id = c.id AND c.kind = 'personal'
  WHERE c.id = $6::int AND c.active
    AND CASE WHEN c.kind = 'personal' THEN u.active AND u.role <> 'auditor' ELSE $7::boolean END
),
receiver AS (
  SELECT id FROM to_clinic
    WHERE NOT has_interim_manager AND NOT ($8::text IS NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin'))
      AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
    SELECT count(*) FROM managed WHERE clinic_id IN ($9::int, $6::int)) = 2)
),
from_clinic AS (
  SELECT c.id FROM clinics c WHERE c.id = $9::int AND (c.kind = 'personal' OR $10::boolean)
),
candidates AS (
  SELECT p.id, EXISTS (
    SELECT FROM patients other
    WHERE email_key(other.email) COLLATE "C" = email_key(p.email) COLLATE "C" AND other.owner_id = $6::int
      AND other.id <> p.id
      AND NOT (p.email_shared OR other.email_shared)) OR (
        SELECT own.system FROM patient_identifiers own
          JOIN patient_identifiers other ON other.key = own.key AND other.system = own.system
        WHERE own.patient_id = p.id AND other.owner_id = $6::int
          AND other.patient_id <> p.id LIMIT 1) IS NOT NULL AS is_taken
  FROM patients p WHERE p.owner_id = (SELECT id FROM from_clinic) AND EXISTS (SELECT FROM receiver)
  UNION ALL SELECT p.id, false
  FROM patients p
    WHERE p.deleted_from = (SELECT id FROM from_clinic) AND p.deleted_at IS NOT NULL AND EXISTS (SELECT FROM receiver)
),
batch AS (SELECT id FROM candidates WHERE NOT is_taken ORDER BY id LIMIT 1000),
locked AS (
  -- In the order of their ids, as a merge locks two patients.
  SELECT p.id FROM patients p WHERE p.id = ANY (ARRAY(SELECT id FROM batch)) ORDER BY p.id FOR UPDATE
),
locked_session AS (
  SELECT s.id FROM users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND s.user_id = u.id AND (SELECT count(*) FROM locked) >= 0
  FOR SHARE OF u FOR SHARE OF s
),
locked_memberships AS (
  SELECT ms.* FROM memberships ms
  WHERE ms.account_id = (SELECT id FROM caller)
    AND (ms.clinic_id = $1::int
      OR ms.account_id = (SELECT id FROM caller) AND ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active
    AND NOT ms.is_interim AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin'))
      AND EXISTS (SELECT FROM locked_session)
  ORDER BY ms.clinic_id
  FOR SHARE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
    END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM locked_memberships
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
managed_recheck AS (SELECT ms.clinic_id FROM locked_memberships ms
  WHERE ms.account_id = (SELECT id FROM caller) AND ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active
    AND NOT ms.is_interim AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')
      AND EXISTS (SELECT FROM caller_recheck)),
transferred AS (
  UPDATE patients p SET updated_at = now(), version = p.version + 1,
    owner_id = CASE WHEN p.deleted_at IS NULL THEN $6::int END,
    deleted_from = CASE WHEN p.deleted_at IS NOT NULL THEN $6::int END
  WHERE p.id IN (SELECT id FROM locked) AND $9::int IN (p.owner_id, p.deleted_from)
    AND EXISTS (SELECT FROM caller_recheck) AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR NOT EXISTS (
    SELECT FROM (SELECT $9::int UNION SELECT $6::int) involved (clinic_id)
    WHERE clinic_id NOT IN (SELECT clinic_id FROM managed_recheck)))
  RETURNING p.id
),
response AS (
  SELECT (SELECT count(*)::int FROM transferred) AS transferred,
    ARRAY(SELECT id FROM candidates WHERE is_taken ORDER BY id LIMIT 1000) AS conflicts,
    (SELECT count(*) FROM batch) = 1000 AS more
  FROM from_clinic, receiver
    WHERE EXISTS (SELECT FROM caller_recheck) AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR NOT EXISTS (
    SELECT FROM (SELECT $9::int UNION SELECT $6::int) involved (clinic_id)
    WHERE clinic_id NOT IN (SELECT clinic_id FROM managed_recheck)))
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, changes, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
    'transfer',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT ((EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
        SELECT count(*) FROM managed WHERE clinic_id IN ($9::int, $6::int)) = 2)
          AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR NOT EXISTS (
          SELECT FROM (SELECT $9::int UNION SELECT $6::int) involved (clinic_id)
          WHERE clinic_id NOT IN (SELECT clinic_id FROM managed_recheck)))) THEN 'refused'
      WHEN EXISTS (SELECT FROM response) THEN 'done'
      ELSE 'refused' END,
    ARRAY(SELECT id FROM transferred ORDER BY id),
    (
      SELECT json_build_object('owner', json_build_object('before', $9::int, 'after', $6::int))
      FROM response),
    $8::text
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        ((EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
        SELECT count(*) FROM managed WHERE clinic_id IN ($9::int, $6::int)) = 2)
          AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR NOT EXISTS (
          SELECT FROM (SELECT $9::int UNION SELECT $6::int) involved (clinic_id)
          WHERE clinic_id NOT IN (SELECT clinic_id FROM managed_recheck)))) AS "isAllowed",
            ($8::text IS NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isReasonMissing",
  (SELECT has_interim_manager FROM to_clinic) AS "hasInterimManager", EXISTS (SELECT FROM from_clinic) AS "hasFrom",
  (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
