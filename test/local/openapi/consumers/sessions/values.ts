// What the sessions of all generated clients send.
export const origin = process.env["API"] ?? "";
export const username = `ada${crypto.randomUUID().slice(0, 8)}`;
export const password = "correct horse battery";
export const grace = {
  firstname: "Grace",
  lastname: "Hopper",
  email: "grace@example.org",
  age: 85,
  gender: "F",
} as const;
export const csv = "firstname,lastname,email,age,gender\r\nAda,Lovelace,ada@example.org,36,F\r\n";
