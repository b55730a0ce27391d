-- Scheduled cleanup: no parameters
WITH latest AS (
  SELECT ad.day, ad.hmac FROM audit_digests ad ORDER BY ad.day DESC LIMIT 1
),
open_day AS (
  SELECT coalesce(
    (SELECT day + 1 FROM latest),
    (SELECT (min(e.at) AT TIME ZONE 'UTC')::date FROM audit_events e)
  ) AS day
)
SELECT day::text AS day, (SELECT hmac FROM latest) AS previous
FROM open_day
WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' + interval '90 seconds' <= now();
