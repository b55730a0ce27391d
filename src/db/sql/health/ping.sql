-- GET /readyz: no parameters
SELECT 1 AS one;
