import {
  Account,
  Credentials,
  NewAccount,
  RefreshToken,
  Registration,
  TokenPair,
} from "../src/auth/contract.ts";
import { type Group, named } from "./words.ts";

const username =
  "The account's name: letters of ASCII, digits and `@` `.` `+` `-` `_`. Unique, whatever the case.";
const email = "The account's email address.";
const id = "The account's id.";
const refresh = "The session's refresh token, as login or the last refresh gave it. Each can be used once.";
const password = "correct horse battery";
const account = { id: 12, username: "ada", email: "ada@example.org" };

const pair = {
  status: 200,
  description: "The session's two tokens.",
  schema: TokenPair,
} as const;

/** Accounts and their sessions. */
export const auth: Group = {
  tag: {
    name: "Accounts",
    description:
      "An account logs in with its name and password and gets two tokens: `access` goes with every request, `refresh` makes the next pair.",
  },
  parameters: [],
  schemas: {
    Registration: named(Registration, {
      description: "A new account.",
      fields: {
        username,
        email,
        password: "At least 8 characters and at most 72 bytes of UTF-8, which is all that bcrypt takes.",
      },
      example: { username: "ada", email: "ada@example.org", password },
    }),
    Credentials: named(Credentials, {
      description: "What an account logs in with.",
      fields: { username: "The account's name, in any case.", password: "The account's password." },
      example: { username: "ada", password },
    }),
    RefreshToken: named(RefreshToken, {
      description: "A session, by its refresh token.",
      fields: { refresh },
      example: { refresh: "qJ0fUJ1x6bPp0n5yL0dM2m3v0c8Yt7sK4hWzR9aQeXg" },
    }),
    NewAccount: named(NewAccount, {
      description: "An account that has just been made.",
      fields: { id, username, email },
      example: account,
    }),
    Account: named(Account, {
      description: "An account.",
      fields: {
        id,
        username,
        email,
        role: "What it may do: a `clinician` changes what is its own, an `admin` also changes all doctors.",
      },
      example: { ...account, role: "clinician" },
    }),
    TokenPair: named(TokenPair, {
      description: "A session's two tokens, as OAuth 2.0 names them (RFC 6749, section 5.1).",
      fields: {
        access: "The access token, a JWT: send it as `Authorization: Bearer <access>`.",
        refresh: "The refresh token: send it once, to refresh, for the next pair.",
        token_type: "Always `Bearer`.",
        expires_in: "How long `access` is good, in seconds.",
      },
      example: {
        access:
          "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMiJ9.V7bT9Wkqg2x0a5lJmJ3o6vE1rY8sQdZpXn4uHcKfB2M",
        refresh: "qJ0fUJ1x6bPp0n5yL0dM2m3v0c8Yt7sK4hWzR9aQeXg",
        token_type: "Bearer",
        expires_in: 900,
      },
    }),
  },
  operations: {
    "POST /api/auth/register": {
      operationId: "register",
      summary: "Create an account",
      description:
        "Creates an account, as a clinician. It does not log in. The name is unique: when the answer was lost, try again, and a 409 says that it was made.",
      answers: [{ status: 201, description: "The account that was made.", schema: NewAccount }],
      problems: {
        409: {
          when: "The username is taken, in this or another case.",
          detail: "An account with this username already exists.",
        },
      },
    },
    "POST /api/auth/login": {
      operationId: "login",
      summary: "Log in",
      description:
        "Opens a session. The access token is good for 15 minutes, the session for 30 days unless the operator says otherwise. On this page it also authorises every request after it.",
      answers: [pair],
      problems: {
        401: {
          when: "There is no active account with this username and password. The answer is the same, in body and time, whether the name exists or not.",
          detail: "There is no active account with this username and password.",
        },
        429: { when: "Too many attempts from this address, or for this username." },
      },
    },
    "POST /api/auth/refresh": {
      operationId: "refresh",
      summary: "Get the next pair of tokens",
      description:
        "Spends the refresh token for a new pair. Of many requests with one token, one gets through. A token used again later than ten seconds after it was spent ends its session: somebody else has it.",
      answers: [pair],
      problems: {
        401: {
          when: "The refresh token is unknown, spent, or of a session that is over.",
          detail: "The refresh token is unknown, spent, or of a session that is over.",
        },
      },
    },
    "POST /api/auth/logout": {
      operationId: "logout",
      summary: "Log out",
      description: "Ends the session of this refresh token, for all of its tokens at once.",
      answers: [{ status: 204, description: "The session is over." }],
    },
    "GET /api/auth/me": {
      operationId: "getOwnAccount",
      summary: "Get your account",
      description: "The account that the access token is of, with its role.",
      answers: [{ status: 200, description: "Your account.", schema: Account }],
    },
  },
};
