-- Scheduled cleanup: no parameters
SELECT audit_partitions(3) AS created;
