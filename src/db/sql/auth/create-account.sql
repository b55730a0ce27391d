-- POST /api/auth/register: $1 email text, $2 code_hash text, $3 username text, $4 password_hash text, $5 request_id uuid, $6 address text
WITH invitation AS (
  SELECT i.id, i.clinic_id, i.clinic_role,
    email_key(i.email) COLLATE "C" = email_key($1::text) COLLATE "C" AS is_same_email
  FROM invitations i WHERE i.code_hash = $2::text AND i.expires_at > now()
    AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by)
      OR i.role = 'clinician' AND (
        SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND u.active AND u.role <> 'auditor'
        FROM memberships ms JOIN users u ON u.id = ms.account_id
        WHERE ms.clinic_id = i.clinic_id AND ms.account_id = i.created_by
    ))
),
username_taken AS (SELECT WHERE account_taken($3::text)),
-- The admin who manages the clinic until a manager is named. Memberships are locked before their clinic.
interim AS (
  SELECT ms.clinic_id, ms.account_id FROM invitation JOIN memberships ms ON ms.clinic_id = invitation.clinic_id
  WHERE invitation.clinic_role = 'manager' AND is_same_email AND ms.is_interim AND ms.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM username_taken)
  FOR NO KEY UPDATE OF ms
),
clinic AS (
  SELECT c.id, c.time_zone, c.active FROM clinics c
  WHERE c.id = (SELECT clinic_id FROM invitation WHERE is_same_email) AND (SELECT count(*) FROM interim) >= 0
  FOR KEY SHARE
),
used_invitation AS (
  -- Of two concurrent requests with the same code only one deletes the row. Shown by
  -- test/invitations/invitations.test.ts.
  DELETE FROM invitations i USING invitation
  WHERE i.id = invitation.id AND is_same_email AND NOT EXISTS (SELECT FROM username_taken)
    AND (SELECT count(*) FROM clinic) >= 0
  RETURNING i.id, i.role, i.clinic_role
),
created AS (
  INSERT INTO users (username, email, password_hash, password_prehashed, role)
  SELECT $3::text, $1::text, $4::text, true, coalesce((SELECT role FROM used_invitation), 'clinician')
  WHERE NOT EXISTS (SELECT FROM username_taken) AND ($2::text IS NULL OR EXISTS (SELECT FROM used_invitation))
  RETURNING id, username, email, role
),
membership AS (
  INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
  SELECT clinic.id, created.id, used_invitation.clinic_role, clinic.time_zone, clinic.active
  FROM created, used_invitation, clinic
  RETURNING clinic_id, role
),
ended_interim AS (
  UPDATE memberships ms SET ended_at = now(), is_interim = false FROM interim, membership
  WHERE ms.clinic_id = interim.clinic_id AND ms.account_id = interim.account_id
  RETURNING ms.account_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, request_id, address, action, outcome, changes)
  SELECT id, username, role, $5::uuid, $6::text,
    'register',
    'done',
    (
      SELECT (
        SELECT ('{' || string_agg(
          format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
            coalesce(a.value::text, 'null')),
          ',' ORDER BY coalesce(b.n, a.n)
        ) || '}')::json
        FROM json_each(json_strip_nulls(json_build_object('invitation', id, 'interim_manager',
          (SELECT account_id FROM ended_interim)))) WITH ORDINALITY b (key,
          value, n)
          FULL JOIN json_each((SELECT row_to_json(o)
            FROM (SELECT clinic_id AS clinic, role AS clinic_role FROM membership) o)) WITH ORDINALITY a (key,
            value, n) USING (key)
        WHERE b.value::text IS DISTINCT FROM a.value::text
      ) FROM used_invitation
    )
  FROM created
)
SELECT (SELECT (SELECT row_to_json(o) FROM (SELECT created.id, created.username, created.email) o)::text
  FROM created) AS body,
  $2::text IS NULL OR EXISTS (SELECT FROM invitation) AS "isInvited",
  $2::text IS NULL OR EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail",
  EXISTS (SELECT FROM username_taken) AS "isUsernameTaken";
