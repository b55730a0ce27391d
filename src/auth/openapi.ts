import { referenceTo } from "../../openapi/schemas.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { Credentials, PasswordChange, RefreshToken, Registration, SessionIdPath } from "./requests.ts";
import { Account, NewAccount, Session, TokenPair } from "./responses.ts";

const username =
  "The account's name: letters of ASCII, digits and `@` `.` `+` `-` `_`. Unique, whatever the case.";
const email = "The account's email address.";
const id = "The account's id.";
const sessionId = "The session's id.";
const refresh = "The session's refresh token, as login or the last refresh gave it. Each can be used once.";
const password = "correct horse battery";
const newPassword =
  "At least 8 characters and at most 72 bytes of UTF-8, which is all that bcrypt takes, in Unicode's normal form (NFC). Any characters, spaces around it too. None of the 1,000 most common ones, nor one character repeated, nor the username or the email.";
const tooManyGuesses =
  "Too many attempts: from this network, or for this username, whether it exists or not. After five it takes a second, two, four … up to a quarter of an hour; networks that the account has logged in from are counted apart.";
const session = {
  id: "5b0c6a3e-6f0f-4b86-9a37-0f3f7a3d9e15",
  created_at: "2026-11-26T09:30:00.000Z",
  last_used_at: "2026-11-26T11:45:10.250Z",
  expires_at: "2026-12-03T11:45:10.250Z",
  user_agent: "hospital-ward/2.1",
  current: true,
};
const account = { id: 12, username: "ada", email: "ada@example.org" };

const pair = {
  status: 200,
  description: "The session's two tokens.",
  schema: TokenPair,
} as const;

/** Accounts and their sessions. */
export const authOpenApi: OpenApiGroup = {
  tag: {
    name: "Accounts",
    description:
      "An account logs in with its name and password and gets two tokens: `access` goes with every request, `refresh` makes the next pair.",
  },
  parameters: [describeParameters(SessionIdPath, { id: { description: sessionId, example: session.id } })],
  schemas: {
    Registration: describeSchema(Registration, {
      description: "A new account.",
      fields: {
        username,
        email,
        password: newPassword,
        invitation: "The code of an invitation, where one is needed to register, or to become an admin.",
      },
      example: { username: "ada", email: "ada@example.org", password },
    }),
    Credentials: describeSchema(Credentials, {
      description: "What an account logs in with.",
      fields: { username: "The account's name, in any case.", password: "The account's password." },
      example: { username: "ada", password },
    }),
    RefreshToken: describeSchema(RefreshToken, {
      description: "A session, by its refresh token.",
      fields: { refresh },
      example: { refresh: "qJ0fUJ1x6bPp0n5yL0dM2m3v0c8Yt7sK4hWzR9aQeXg" },
    }),
    PasswordChange: describeSchema(PasswordChange, {
      description: "A new password, and the one that it replaces.",
      fields: { current: "The account's password.", new: newPassword },
      example: { current: password, new: "another horse entirely" },
    }),
    Session: describeSchema(Session, {
      description: "A login of yours that is not over.",
      fields: {
        id: sessionId,
        created_at: "When it was logged in.",
        last_used_at: "When it was logged in, or last refreshed.",
        expires_at: "When it is over, unless it is refreshed before.",
        user_agent: "What its client called itself then, up to 256 characters; null when it did not say.",
        current: "Whether it is the one whose access token you ask with.",
      },
      example: session,
    }),
    NewAccount: describeSchema(NewAccount, {
      description: "An account that has just been made.",
      fields: { id, username, email },
      example: account,
    }),
    Account: describeSchema(Account, {
      description: "An account.",
      fields: {
        id,
        username,
        email,
        role: "What it may do: a `clinician` changes what is its own, an `admin` also changes all doctors.",
      },
      example: { ...account, role: "clinician" },
    }),
    TokenPair: describeSchema(TokenPair, {
      description: "A session's two tokens, as OAuth 2.0 names them (RFC 6749, section 5.1).",
      fields: {
        access: "The access token, a JWT: send it as `Authorization: Bearer <access>`.",
        refresh: "The refresh token: send it once, to refresh, for the next pair.",
        token_type: "Always `Bearer`.",
        expires_in: "How long `access` is good, in seconds.",
        must_change_password:
          "Only there, and true, when an operator has set the account's password: all but changing it is 403 then.",
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
        "Creates an account, as a clinician, or with an invitation as what that says. It does not log in. The name is unique: when the answer was lost, try again, and a 409 says that it was made.",
      answers: [{ status: 201, description: "The account that was made.", schema: NewAccount }],
      problems: {
        403: { when: "This installation lets nobody register.", detail: "Registration is closed." },
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
        "Opens a session. The access token is good for 15 minutes, the session for 30 days, or 7 when it is not refreshed, unless the operator says otherwise. An account has 50 sessions: the oldest ends for the next one. On this page it also authorises every request after it.",
      answers: [pair],
      problems: {
        401: {
          when: "There is no active account with this username and password. The answer is the same, in body and time, whether the name exists or not.",
          detail: "There is no active account with this username and password.",
        },
        429: { when: tooManyGuesses },
      },
    },
    "POST /api/auth/refresh": {
      operationId: "refresh",
      summary: "Get the next pair of tokens",
      description:
        "Spends the refresh token for a new pair. When the answer was lost, send it again: for 30 seconds after it was spent it is exchanged for another pair of the same session. A token used again later than that ends its session: somebody else has it.",
      answers: [pair],
      problems: {
        401: {
          when: "The refresh token is unknown, spent for longer than 30 seconds, or of a session that is over.",
          detail: "The refresh token is unknown or already used, or its session has ended.",
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
    "POST /api/auth/password": {
      operationId: "changePassword",
      summary: "Change your password",
      description:
        "Replaces the password, and ends all other sessions of the account. An account whose password an operator has set can do nothing else until it has done this, and then goes on with the same tokens.",
      answers: [{ status: 204, description: "The password is the new one." }],
      problems: { 429: { when: tooManyGuesses } },
    },
    "GET /api/auth/sessions": {
      operationId: "listSessions",
      summary: "List your sessions",
      description: "All logins of the account that are not over, newest first; 50 at most.",
      answers: [
        {
          status: 200,
          description: "Your sessions.",
          content: {
            "application/json": {
              schema: { type: "array", items: referenceTo("Session"), maxItems: 50 },
              example: [session],
            },
          },
        },
      ],
    },
    "DELETE /api/auth/sessions": {
      operationId: "endSessions",
      summary: "End all your sessions",
      description: "Logs out everywhere, here too.",
      answers: [{ status: 204, description: "All sessions are over." }],
    },
    "DELETE /api/auth/sessions/:id": {
      operationId: "endSession",
      summary: "End one of your sessions",
      description: "Logs out there, for all of that session's tokens at once.",
      answers: [{ status: 204, description: "The session is over." }],
      problems: {
        404: { when: "You have no such session that is not over.", detail: "There is no such session." },
      },
    },
  },
};
