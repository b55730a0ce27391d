-- POST /api/auth/register: $1 email text, $2 code_hash text, $3 username text, $4 password_hash text, $5 request_id uuid, $6 address text
WITH invitation AS (
  SELECT i.id, email_key(i.email) COLLATE "C" = email_key($1::text) COLLATE "C" AS is_same_email
  FROM invitations i WHERE i.code_hash = $2::text AND i.expires_at > now()
    AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by))
),
username_taken AS (SELECT WHERE account_taken($3::text)),
used_invitation AS (
  -- Of two concurrent requests with the same code only one deletes the row. Shown by
  -- test/invitations/invitations.test.ts.
  DELETE FROM invitations i USING invitation
  WHERE i.id = invitation.id AND is_same_email AND NOT EXISTS (SELECT FROM username_taken)
  RETURNING i.id, i.role
),
created AS (
  INSERT INTO users (username, email, password_hash, password_prehashed, role)
  SELECT $3::text, $1::text, $4::text, true, coalesce((SELECT role FROM used_invitation), 'clinician')
  WHERE NOT EXISTS (SELECT FROM username_taken) AND ($2::text IS NULL OR EXISTS (SELECT FROM used_invitation))
  RETURNING id, username, email, role
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, request_id, address, action, outcome, changes)
  SELECT id, username, role, $5::uuid, $6::text,
    'register',
    'done',
    (SELECT json_build_object('invitation', json_build_object('before', id, 'after', NULL)) FROM used_invitation)
  FROM created
)
SELECT (SELECT (SELECT row_to_json(o) FROM (SELECT created.id, created.username, created.email) o)::text FROM created) AS body,
  $2::text IS NULL OR EXISTS (SELECT FROM invitation) AS "isInvited",
  $2::text IS NULL OR EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail",
  EXISTS (SELECT FROM username_taken) AS "isUsernameTaken";
