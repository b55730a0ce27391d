import { pageWords } from "../../openapi/records.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { InvitationsQuery, NewInvitation } from "../invitations/requests.ts";
import { Invitation, IssuedInvitation } from "../invitations/responses.ts";
import { AccountChanges, AccountsQuery } from "./requests.ts";
import { AccountDetails } from "./responses.ts";

const id = "The account's id.";
const role = "`clinician` or `admin`.";
const active = "Whether it may log in. One that is disabled has no sessions any more.";
const doctor = "The id of the doctor whose own account it is, and whose patients it reads; null for most.";
const account = {
  id: 12,
  username: "ada",
  email: "ada@example.org",
  role: "clinician",
  active: true,
  doctor: 3,
  created_at: "2026-11-26T09:30:00.000Z",
} as const;
const notAdmin = { when: "You are no admin.", detail: "Only an admin may manage accounts." };
const noAccount = { when: "There is no such account.", detail: "There is no such account." };

const { limit, cursor } = pageWords;
const page = { limit, cursor, sort: { description: "`id`, or `-id` for the newest first.", example: "-id" } };

/** Accounts, as admins see them. */
export const accountsOpenApi: OpenApiGroup = {
  tag: {
    name: "Administration",
    description: "Who may get in, for admins: accounts, their sessions, and invitations.",
  },
  parameters: [
    describeParameters(IdPath, { id: { description: id, example: 12 } }),
    describeParameters(AccountsQuery, {
      ...page,
      role: { description: "Only those of this role.", example: "admin" },
      active: { description: "Only those that may log in, or those that may not.", example: "true" },
      search: {
        description: "The beginning of the username or of the email, in any case.",
        example: "ad",
      },
    }),
    describeParameters(InvitationsQuery, page),
  ],
  schemas: {
    AccountDetails: describeSchema(AccountDetails, {
      description: "An account, as admins see it.",
      fields: {
        id,
        username: "The account's name.",
        email: "The account's email address.",
        role,
        active,
        doctor,
        created_at: "When it was made.",
      },
      example: account,
    }),
    AccountChanges: describeSchema(AccountChanges, {
      description: "What is to change; what is left out stays as it is.",
      fields: { role, active, doctor },
      example: { active: true },
    }),
    NewInvitation: describeSchema(NewInvitation, {
      description: "Whom to invite.",
      fields: { email: "The address that the account is to have.", role: "What the account will be." },
      example: { email: "grace@example.org", role: "clinician" },
    }),
    IssuedInvitation: describeSchema(IssuedInvitation, {
      description: "An invitation that has just been made.",
      fields: {
        id: "The invitation's id.",
        email: "The address that the account is to have.",
        role: "What the account will be.",
        code: "What is sent as `invitation` to register. It is shown this once: nobody can look it up.",
        expires_at: "Until when it is good: seven days.",
      },
      example: {
        id: 7,
        email: "grace@example.org",
        role: "clinician",
        code: "q3ZyJ1x6bPp0n5yL0dM2m3v0c8Y",
        expires_at: "2026-12-03T09:30:00.000Z",
      },
    }),
    Invitation: describeSchema(Invitation, {
      description: "An invitation that nobody has used yet.",
      fields: {
        id: "The invitation's id.",
        email: "The address that the account is to have.",
        role: "What the account will be.",
        created_by: "The id of the admin's account.",
        created_at: "When it was made.",
        expires_at: "Until when it is good.",
      },
      example: {
        id: 7,
        email: "grace@example.org",
        role: "clinician",
        created_by: 1,
        created_at: "2026-11-26T09:30:00.000Z",
        expires_at: "2026-12-03T09:30:00.000Z",
      },
    }),
  },
  operations: {
    "GET /api/accounts": {
      operationId: "listAccounts",
      summary: "List accounts",
      description: "All accounts, for admins, a page at a time.",
      answers: [{ status: 200, description: "A page of accounts.", schema: AccountDetails, list: true }],
      problems: { 403: notAdmin },
    },
    "GET /api/accounts/:id": {
      operationId: "getAccount",
      summary: "Get an account",
      description: "One account, for admins.",
      answers: [{ status: 200, description: "The account.", schema: AccountDetails }],
      problems: { 403: notAdmin, 404: noAccount },
    },
    "PATCH /api/accounts/:id": {
      operationId: "updateAccount",
      summary: "Change an account",
      description:
        "Gives an account another role, disables or enables it, or says whose own account it is. Another role, and being disabled, ends all its sessions; being enabled does not bring them back.",
      answers: [{ status: 200, description: "The account as it is now.", schema: AccountDetails }],
      problems: {
        400: { when: "A field is not valid, or there is no such doctor: `errors` names it." },
        403: notAdmin,
        404: noAccount,
        409: {
          when: "It is the last active admin, and would not be one any more.",
          detail: "This is the last active admin.",
        },
      },
    },
    "DELETE /api/accounts/:id/sessions": {
      operationId: "signOutAccount",
      summary: "Log an account out everywhere",
      description: "Ends all sessions of an account, for admins.",
      answers: [{ status: 204, description: "All its sessions are over." }],
      problems: { 403: notAdmin, 404: noAccount },
    },
    "POST /api/invitations": {
      operationId: "invite",
      summary: "Invite somebody",
      description:
        "Makes a code by which one account may register within seven days, with this email and in this role. For admins. It is sent by you: the API sends no mail.",
      answers: [{ status: 201, description: "The invitation, with its code.", schema: IssuedInvitation }],
      problems: {
        403: { when: "You are no admin.", detail: "Only an admin may manage invitations." },
        409: {
          when: "This installation lets nobody register.",
          detail: "Registration is closed: an invitation could not be used.",
        },
      },
    },
    "GET /api/invitations": {
      operationId: "listInvitations",
      summary: "List invitations",
      description: "Those that nobody has used yet and that are good still, for admins, a page at a time.",
      answers: [{ status: 200, description: "A page of invitations.", schema: Invitation, list: true }],
      problems: { 403: { when: "You are no admin.", detail: "Only an admin may manage invitations." } },
    },
    "DELETE /api/invitations/:id": {
      operationId: "withdrawInvitation",
      summary: "Withdraw an invitation",
      description: "Makes its code worthless, for admins.",
      answers: [{ status: 204, description: "The invitation is gone." }],
      problems: {
        403: { when: "You are no admin.", detail: "Only an admin may manage invitations." },
        404: { when: "There is no such invitation.", detail: "There is no such invitation." },
      },
      parameters: { id: { description: "The invitation's id.", example: 7 } },
    },
  },
};
