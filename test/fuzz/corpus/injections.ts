/**
 * Texts that would do harm if they were concatenated with SQL, JSON, a template or HTML. They are sent in every place
 * that takes text.
 */
export const injections: { name: string; why: string; text: string }[] = [
  {
    name: "a statement after a quotation mark",
    why: "it would drop a table",
    text: "x'; DROP TABLE patients; --",
  },
  { name: "a condition that is always true", why: "it would return all records", text: "' OR '1'='1" },
  { name: "the same of a number", why: "it would return all records", text: "1 OR 1=1" },
  {
    name: "another query's rows",
    why: "it would return password hashes",
    text: "' UNION SELECT password_hash FROM users --",
  },
  {
    name: "a pause",
    why: "the time it takes would tell what is true; here it would be longer than the deadline of a request, which is 503",
    text: "1'||(SELECT pg_sleep(60))||'",
  },
  {
    name: "a backslash before a quotation mark",
    why: "it would end the text elsewhere",
    text: "\\'; SELECT 1; --",
  },
  { name: "a text in dollars", why: "it would end another one", text: "$$; SELECT pg_sleep(60); $$" },
  { name: "a parameter's number", why: "it would be another parameter", text: "$1 $2 :id ?" },
  { name: "JSON in text", why: "it would end the JSON around it", text: '"}],"role":"admin","x":[{"y":"' },
  { name: "a template", why: "it would be evaluated", text: "\u0024{7*7}{{7*7}}<%= 7*7 %>#{7*7}" },
  { name: "a script", why: "it would run in a page", text: '"><script>alert(1)</script>' },
];
