-- POST /api/auth/register: $1 email text, $2 code_hash text
WITH invitation AS (
  SELECT i.id, email_key(i.email) COLLATE "C" = email_key($1::text) COLLATE "C" AS is_same_email
  FROM invitations i WHERE i.code_hash = $2::text AND i.expires_at > now()
    AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by))
)
SELECT EXISTS (SELECT FROM invitation) AS "isInvited",
  EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail";
