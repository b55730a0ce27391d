-- POST /api/auth/register: $1 email text, $2 code_hash text
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
)
SELECT EXISTS (SELECT FROM invitation) AS "isInvited",
  EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail";
