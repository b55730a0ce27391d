import { describeEmail } from "../http/common-openapi.ts";
import { describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import {
  ClinicChoice,
  Credentials,
  OwnAccountChange,
  PasswordChange,
  RefreshToken,
  Registration,
} from "./requests.ts";
import { Account, NewAccount, TokenPair } from "./responses.ts";
import { sessionsOpenApi } from "./sessions-openapi.ts";

const username = "The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored.";
const email = describeEmail("The account's email address");
const id = "The account's id.";
const examplePassword = "correct horse battery";
const newPassword =
  "At least 8 characters, unless this installation requires more, and at most 256 bytes of UTF-8, in Unicode's normal form NFC. All characters are allowed, and spaces at the start and the end count. Rejected are the 30,000 most common passwords, `hospital`, `clinic`, `doctor`, `patient`, `nurse` and `medical`, also with digits and punctuation at the end or with usual replacements (`P@ssw0rd`, `Summer2026`), and: one character repeated, the username, the email, and the part of the email before the @.";
const tooManyAttempts =
  "Too many failed attempts from this network, or for this username, whether or not it exists. After five failures the lockout lasts one second, then two, four and so on, up to 15 minutes. Networks that the account has logged in from before are counted separately.";
const exampleAccount = { id: 12, username: "ada", email: "ada@example.org" };
const exampleRefreshToken = "qJ0fUJ1x6bPp0n5yL0dM2m3v0c8Yt7sK4hWzR9aQeXg";

const tokenPairResponse = {
  status: 200,
  description: "The session's access token and refresh token.",
  schema: TokenPair,
} as const;

const noSuchClinic = {
  description: "You do not work in this clinic, or it does not exist.",
  detail: "There is no such clinic.",
  codes: ["not_found"],
} as const;

export const authOpenApi: OpenApiGroup = {
  tag: {
    name: "Accounts",
    description:
      "An account logs in with its username and password and gets two tokens: send `access` with every request, and `refresh` to get the next pair.",
  },
  parameters: sessionsOpenApi.parameters,
  schemas: {
    ...sessionsOpenApi.schemas,
    Registration: describeSchema(Registration, {
      description: "A new account.",
      answer: NewAccount,
      fields: {
        username,
        email,
        password: newPassword,
        invitation:
          "The code of an invitation. Needed if this installation requires one, or to become an admin.",
      },
      example: { username: "ada", email: "ada@example.org", password: examplePassword },
    }),
    Credentials: describeSchema(Credentials, {
      description: "The username and the password of an account.",
      fields: {
        username: "The username; case is ignored.",
        password: "The account's password.",
        clinic:
          "The clinic in which the session works. Left out: the one that the account moved to last, or else its personal clinic.",
      },
      example: { username: "ada", password: examplePassword },
    }),
    RefreshToken: describeSchema(RefreshToken, {
      description: "The refresh token of a session.",
      fields: {
        refresh: "The session's refresh token, from login or the last refresh. Each can be used once.",
      },
      example: { refresh: exampleRefreshToken },
    }),
    ClinicChoice: describeSchema(ClinicChoice, {
      description: "The clinic in which the session is to work.",
      fields: {
        clinic: "The id of a clinic of which you are a member.",
        refresh:
          "The session's refresh token. It is used up, as by a refresh. Left out: a lost response is recovered by refreshing with it within 30 seconds.",
      },
      example: { clinic: 31 },
    }),
    PasswordChange: describeSchema(PasswordChange, {
      description: "A new password, and the one that it replaces.",
      fields: { current: "The account's current password.", new: newPassword },
      example: { current: examplePassword, new: "another horse entirely" },
    }),
    OwnAccountChange: describeSchema(OwnAccountChange, {
      description: "A change of your own account.",
      answer: Account,
      fields: {
        email,
        password: "The account's current password.",
        username: "Read-only. It may be sent back as it is; another username is an error.",
        role: "Read-only. It may be sent back as it is; another role is an error.",
      },
      example: { email: exampleAccount.email, password: examplePassword },
    }),
    NewAccount: describeSchema(NewAccount, {
      description: "The account that was created.",
      fields: { id, username, email },
      example: exampleAccount,
    }),
    Account: describeSchema(Account, {
      description: "An account.",
      fields: {
        id,
        username,
        email,
        role: "A `clinician` can change the records of the account; an `admin` can also change all doctors; an `auditor` can read the audit log and accounts, and nothing else.",
        clinic: "The clinic in which your session works, with your role there.",
      },
      example: {
        ...exampleAccount,
        role: "clinician",
        clinic: { id: 12, name: "ada", kind: "personal", role: "manager" },
      },
    }),
    TokenPair: describeSchema(TokenPair, {
      description:
        "The tokens of a session. The fields are named as in OAuth 2.0 where it has them (RFC 6749, section 5.1).",
      fields: {
        access: "The access token, a JWT. Send it as `Authorization: Bearer <access>`.",
        refresh: "The refresh token. Send it once, to the refresh route, to get the next pair.",
        token_type: "Always `Bearer`.",
        expires_in: "How long `access` is valid, in seconds: at most 900.",
        clinic:
          "The id of the clinic in which the session works. After a refresh it can be another one: because another tab has moved the session, or because the membership has ended.",
        must_change_password:
          "Present, and true, only if an operator has set the account's password. Until you change the password, every other request returns 403. The password expires after 24 hours.",
      },
      example: {
        access:
          "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMiJ9.V7bT9Wkqg2x0a5lJmJ3o6vE1rY8sQdZpXn4uHcKfB2M",
        refresh: exampleRefreshToken,
        token_type: "Bearer",
        expires_in: 900,
        clinic: 12,
      },
    }),
  },
  operations: {
    ...sessionsOpenApi.operations,
    "POST /api/auth/register": {
      operationId: "register",
      summary: "Create an account",
      description:
        "Creates an account with the role `clinician`, or with the role of the invitation. It does not log in. Usernames are unique: if the response was lost, try again, and a 409 tells you that the account was created.",
      responses: [{ status: 201, description: "The account that was created.", schema: NewAccount }],
      problems: {
        403: {
          description: "Registration is closed on this installation.",
          detail: "Registration is closed.",
          codes: ["registration_closed"],
        },
        409: {
          description: "The username is taken; case is ignored.",
          detail: "An account with this username already exists.",
          codes: ["username_taken"],
        },
      },
    },
    "POST /api/auth/login": {
      operationId: "login",
      summary: "Log in",
      description:
        "Creates a session. The access token is valid for `expires_in` seconds: 15 minutes, or half of a shorter idle time. The session lasts 30 days, and ends after 7 days without a refresh, unless the operator has configured other values. An account has at most 50 sessions: a new one ends the oldest. On this page, the requests that you send after the login carry its access token.",
      responses: [tokenPairResponse],
      problems: {
        401: {
          description:
            "There is no active account with this username and password. Or an operator has set the password, and it was not changed within 24 hours. The body and the response time are the same, whether or not the username exists.",
          detail: "There is no active account with this username and password.",
          codes: ["invalid_credentials"],
        },
        404: noSuchClinic,
        429: { description: tooManyAttempts, codes: ["locked_out"] },
      },
    },
    "POST /api/auth/refresh": {
      operationId: "refresh",
      summary: "Get new tokens",
      description:
        "Exchanges the refresh token for a new pair of tokens (refresh-token rotation). If the response was lost, send the same token again: for 30 seconds after its first use it returns the same refresh token, with a new access token. If a token is used again after that, or after the refresh token that it was exchanged for has been used, its session ends, because somebody else may have the token.",
      responses: [tokenPairResponse],
      problems: {
        401: {
          description:
            "The refresh token is unknown, was used more than 30 seconds ago, was exchanged for one that has been used, or belongs to a session that has ended.",
          detail: "The refresh token is unknown or already used, or its session has ended.",
          codes: ["refresh_token_invalid"],
        },
      },
    },
    "POST /api/auth/logout": {
      operationId: "logout",
      summary: "Log out",
      description:
        "Ends the session of this refresh token, used or not. All its tokens become invalid at once. It needs no access token, and ignores one that is sent (RFC 7009).",
      responses: [{ status: 204, description: "The session has ended, or there is none with this token." }],
    },
    "POST /api/auth/clinic": {
      operationId: "moveSession",
      summary: "Work in another clinic",
      description:
        "Moves your session to another clinic and returns new tokens for it. The access tokens from before get a 401 with `clinic_changed`: do not send their requests again, because they were meant for the other clinic. If the response is lost, refresh with the token that you sent: within 30 seconds you get the same refresh token.",
      responses: [{ status: 200, description: "The tokens for the clinic.", schema: TokenPair }],
      problems: {
        400: {
          description: "A field is not valid, or `refresh` is not an unused refresh token of this session.",
        },
        404: noSuchClinic,
      },
    },
    "GET /api/auth/me": {
      operationId: "getOwnAccount",
      summary: "Get your account",
      description: "Returns the account of the access token, with its role.",
      responses: [{ status: 200, description: "Your account.", schema: Account }],
    },
    "PATCH /api/auth/me": {
      operationId: "updateOwnAccount",
      summary: "Change your email",
      description:
        "Changes the email of the account of the access token. It needs the account's password; wrong ones are counted as at login. Sessions and tokens stay valid. For another person's account, an admin sends `PATCH /api/accounts/{id}/`.",
      responses: [{ status: 200, description: "Your account after the change.", schema: Account }],
      problems: {
        400: {
          description:
            "A field is not valid, `password` is not the current password, the new email is the password or begins with it before the `@`, or the username or the role is not that of the account: `errors` names the field.",
        },
        429: { description: tooManyAttempts, codes: ["locked_out"] },
      },
    },
    "POST /api/auth/password": {
      operationId: "changePassword",
      summary: "Change your password",
      description:
        "Replaces the password and ends all sessions of the account, also the one of this request: all earlier tokens become invalid at once. The response has the tokens of a new session. If an operator has set the password, the account can do nothing else before this.",
      responses: [{ ...tokenPairResponse, description: "The tokens of the new session." }],
      problems: { 429: { description: tooManyAttempts, codes: ["locked_out"] } },
    },
  },
};
