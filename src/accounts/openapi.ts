import { administrationTag, describeEmail, pageParameterTexts } from "../http/common-openapi.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AccountChanges, AccountsQuery } from "./requests.ts";
import { AccountDetails } from "./responses.ts";

const id = "The account's id.";
const role = "`clinician`, `admin` or `auditor`.";
const email = describeEmail("The account's email address");
const active = "Whether the account can log in. A disabled account has no sessions.";
const doctor =
  "The id of the doctor whose own account this is: the account can read that doctor's patients. Null for most accounts.";
const exampleAccount = {
  id: 12,
  username: "ada",
  email: "ada@example.org",
  role: "clinician",
  active: true,
  doctor: 3,
  created_at: "2026-11-26T09:30:00.000Z",
} as const;
const notAdmin = {
  description: "You are not an admin.",
  detail: "Only an admin may manage accounts.",
  codes: ["admin_required"],
} as const;
const notReader = {
  description: "You are neither an admin nor an auditor.",
  detail: "Only an admin or an auditor may read accounts.",
  codes: ["admin_or_auditor_required"],
} as const;
const notFound = { description: "There is no such account.", detail: "There is no such account." };

export const accountsOpenApi: OpenApiGroup = {
  tag: administrationTag,
  parameters: [
    describeParameters(IdPath, { id: { description: id, example: 12 } }),
    describeParameters(AccountsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: { description: "`id`, or `-id` for the newest first.", example: "-id" },
      role: { description: "Only accounts with this role.", example: "admin" },
      active: {
        description: "`true`: only accounts that can log in; `false`: only disabled accounts.",
        example: true,
      },
      search: {
        description: "The beginning of the username or of the email; case is ignored.",
        example: "ad",
      },
    }),
  ],
  schemas: {
    AccountDetails: describeSchema(AccountDetails, {
      description: "An account, as admins see it.",
      fields: {
        id,
        username: "The username.",
        email,
        role,
        active,
        doctor,
        created_at: "When it was created.",
      },
      example: exampleAccount,
    }),
    AccountChanges: describeSchema(AccountChanges, {
      description: "Changes of an account. Fields that are left out stay as they are.",
      answer: AccountDetails,
      fields: {
        email,
        username: "Read-only. It may be sent back as it is; another username is an error.",
        role,
        active,
        doctor,
        reason:
          "Why the account is linked to a doctor, 10 to 500 characters; required when `doctor` is set to a doctor. It is written to the audit log, where the owners of the doctor's patients can read it.",
      },
      example: { active: true },
    }),
  },
  operations: {
    "GET /api/accounts": {
      operationId: "listAccounts",
      summary: "List accounts",
      description: "For admins and auditors. Returns a page of all accounts.",
      responses: [{ status: 200, description: "A page of accounts.", schema: AccountDetails, list: true }],
      problems: { 403: notReader },
    },
    "GET /api/accounts/:id": {
      operationId: "getAccount",
      summary: "Get an account",
      description: "For admins and auditors. Returns one account.",
      responses: [{ status: 200, description: "The account.", schema: AccountDetails }],
      problems: { 403: notReader, 404: notFound },
    },
    "PATCH /api/accounts/:id": {
      operationId: "updateAccount",
      summary: "Change an account",
      description:
        "For admins. Changes the email or the role, disables or enables the account, or makes it a doctor's own account. A change of the role or disabling the account ends all its sessions; enabling it does not restore them. Nobody can link their own account to a doctor, or change their own email here: that is `PATCH /api/auth/me/`.",
      responses: [{ status: 200, description: "The account after the change.", schema: AccountDetails }],
      problems: {
        400: {
          description:
            "A field is not valid, the username is not that of the account, or the doctor does not exist: `errors` names the field.",
        },
        403: {
          description:
            "You are not an admin, or it is your own account that you would link to a doctor, or change the email of.",
          detail: "Only another admin may link your account to a doctor.",
          codes: ["own_account", "admin_required"],
        },
        404: notFound,
        409: {
          description: "This is the last active admin, and the change would leave none.",
          detail: "This is the last active admin.",
          codes: ["last_admin", "last_manager"],
        },
      },
    },
    "DELETE /api/accounts/:id/sessions": {
      operationId: "signOutAccount",
      summary: "Log an account out everywhere",
      description: "For admins. Ends all sessions of an account.",
      responses: [{ status: 204, description: "All sessions of the account have ended." }],
      problems: { 403: notAdmin, 404: notFound },
    },
  },
};
