import { pageParameterTexts } from "../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../http/openapi.ts";
import { MemberChanges, MemberPath, MembersQuery, NewMember } from "./requests.ts";
import { Member } from "./responses.ts";

export const clinicIdText = {
  description: "The clinic's id. That of a personal clinic is the account's.",
  example: 40,
};
const account = "The id of the member's account.";
const role =
  "What the member may do in the clinic: `reader`, `clerk`, `clinician` or `manager`; each may do what those before it may.";
const exampleMember = {
  account: 12,
  username: "ada",
  role: "clerk",
  created_at: "2026-11-26T09:30:00.000Z",
} as const;

export const noClinic = {
  description: "There is no such clinic for you: you are neither a member of it nor an admin.",
  detail: "There is no such clinic.",
};
const noMember = { ...noClinic, description: `${noClinic.description} Or the account is no current member.` };
export const notManager = {
  description: "You are a member, but not a manager of the clinic.",
  detail: "Your role in this clinic does not allow this.",
  codes: ["clinic_role_required"],
} as const;
const notByOneself = {
  description: `\`clinic_role_required\`: you are a member, but not a manager of the clinic. \`own_membership\`: nobody adds the own account or raises the own role, and admins do not either.`,
  detail: notManager.detail,
  codes: ["clinic_role_required", "own_membership"],
} as const;
const personal = {
  description: "It is a personal clinic, which has one member.",
  detail: "A personal clinic has one member and is never deleted. Nothing was changed.",
  codes: ["personal_clinic"],
} as const;
const lastManager = {
  description:
    "`last_manager`: the change would leave the clinic without an active manager. `personal_clinic`: it is a personal clinic, which has one member.",
  detail: "This is the last active manager of a clinic. Name another one first.",
  codes: ["last_manager", "personal_clinic"],
} as const;

/** The members of a clinic. */
export const membersOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(MemberPath, { id: clinicIdText, account: { description: account, example: 12 } }),
    describeParameters(MembersQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: {
        description: "`id`, the order of the accounts' ids, or `-id` for the reverse.",
        example: "-id",
      },
    }),
  ],
  schemas: {
    NewMember: describeSchema(NewMember, {
      description: "A new member of a clinic, named by exactly one of `account` and `username`.",
      answer: Member,
      fields: {
        account: "The id of the account: an active one that is no auditor.",
        username: "The username of the account; case is ignored.",
        role,
      },
      example: { account: 12, role: "clerk" },
    }),
    MemberChanges: describeSchema(MemberChanges, {
      description: "Another role of a member.",
      answer: Member,
      fields: { role },
      example: { role: "clinician" },
    }),
    Member: describeSchema(Member, {
      description: "A member of a clinic.",
      fields: {
        account,
        username: "The username of the account.",
        role,
        created_at: "When the account was added; for one that was added again, the last time.",
      },
      example: exampleMember,
    }),
  },
  operations: {
    "GET /api/clinics/:id/members": {
      operationId: "listMembers",
      summary: "List the members of a clinic",
      description: "Returns a page of the current members of the clinic, to all its members and to admins.",
      responses: [{ status: 200, description: "A page of members.", schema: Member, list: true }],
      problems: { 404: noClinic },
    },
    "POST /api/clinics/:id/members": {
      operationId: "addMember",
      summary: "Add a member to a clinic",
      description:
        "For managers of the clinic and for admins. An account that is a member already stays as it is, also if `role` is another one: `PATCH` gives it another role. An account that was a member before becomes one again. Naming a manager ends the membership of an admin who is the manager only until then. It is safe to repeat.",
      responses: [
        { status: 201, description: "The account is a member now.", schema: Member },
        {
          status: 200,
          description: "The account was a member already. Nothing was changed.",
          schema: Member,
        },
      ],
      problems: {
        400: {
          description:
            "A field is not valid, or there is no such account that could work in a clinic: `errors` names the field.",
        },
        403: notByOneself,
        404: noClinic,
        409: personal,
      },
    },
    "PATCH /api/clinics/:id/members/:account": {
      operationId: "updateMember",
      summary: "Give a member another role",
      description:
        "For managers of the clinic and for admins; every member may lower the own role. Naming a manager ends the membership of an admin who is the manager only until then.",
      responses: [
        {
          status: 200,
          description: "The member after the change.",
          schema: Member,
          example: { ...exampleMember, role: "clinician" },
        },
      ],
      problems: { 403: notByOneself, 404: noMember, 409: lastManager },
    },
    "DELETE /api/clinics/:id/members/:account": {
      operationId: "endMember",
      summary: "End a membership",
      description:
        "For managers of the clinic and for admins; every member may leave. The sessions of the account that work in the clinic are refused from now on; after a refresh they work in the personal clinic.",
      responses: [{ status: 204, description: "The membership has ended." }],
      problems: { 403: notManager, 404: noMember, 409: lastManager },
    },
  },
};
