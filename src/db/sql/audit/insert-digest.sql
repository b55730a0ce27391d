-- Scheduled cleanup: $1 day date, $2 events bigint, $3 first_id bigint, $4 last_id bigint, $5 sha256 text, $6 hmac text, $7 closed_at timestamp with time zone
INSERT INTO audit_digests (day, events, first_id, last_id, sha256, hmac, closed_at)
  VALUES (
    $1::date, $2::bigint, $3::bigint, $4::bigint,
    $5::text, $6::text, $7::timestamptz
  )
ON CONFLICT (day) DO NOTHING
RETURNING day::text AS day;
