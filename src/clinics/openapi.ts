import { pageParameterTexts, requestHeaders } from "../http/common-openapi.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import {
  ClinicChanges,
  ClinicsQuery,
  MemberChanges,
  MemberPath,
  MembersQuery,
  NewClinic,
  NewMember,
} from "./requests.ts";
import { Clinic, Member } from "./responses.ts";

const id = { description: "The clinic's id. That of a personal clinic is the account's.", example: 40 };
const account = "The id of the member's account.";
const role =
  "What the member may do in the clinic: `reader`, `clerk`, `clinician` or `manager`; each may do what those before it may.";
const clinicTexts = {
  name: "The name, 1 to 150 characters. It need not be unique.",
  time_zone:
    "The time zone whose date decides the ages of patients, by its IANA name, as it was sent. For a clinic that has none it is that of the API.",
};
const active =
  "Whether anybody can work in the clinic. Sessions that work in one that is not active are refused. A personal clinic is always active.";
const exampleClinic = {
  id: 40,
  name: "North Street Practice",
  kind: "shared",
  time_zone: "Europe/Berlin",
  active: true,
  role: "manager",
  created_at: "2026-11-26T09:30:00.000Z",
  updated_at: "2026-11-26T09:30:00.000Z",
} as const;
const exampleMember = {
  account: 12,
  username: "ada",
  role: "clerk",
  created_at: "2026-11-26T09:30:00.000Z",
} as const;

const notFound = {
  description: "There is no such clinic for you: you are neither a member of it nor an admin.",
  detail: "There is no such clinic.",
};
const noMember = { ...notFound, description: `${notFound.description} Or the account is no current member.` };
const notManager = {
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
const sort = { description: "`id`, or `-id` for the newest first.", example: "-id" };

export const clinicsOpenApi: OpenApiGroup = {
  tag: {
    name: "Clinics",
    description:
      "Clinics own patients. Each account has a personal clinic of its own. In a shared one several accounts work with the same patients, each by its role there; a session works in one clinic at a time.",
  },
  parameters: [
    ...requestHeaders,
    describeParameters(IdPath, { id }),
    describeParameters(MemberPath, { id, account: { description: account, example: 12 } }),
    describeParameters(ClinicsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort,
    }),
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
    NewClinic: describeSchema(NewClinic, {
      description: "A new shared clinic.",
      answer: Clinic,
      fields: {
        name: clinicTexts.name,
        time_zone:
          "The time zone whose date decides the ages of patients, by its IANA name, such as `Europe/Berlin`. The one of the API if it is left out.",
        manager:
          "The id of the account that manages the clinic: an active one that is no auditor, and not your own. If it is left out, you are the manager until another one is named; your membership ends then.",
      },
      example: { name: "North Street Practice", time_zone: "Europe/Berlin" },
    }),
    ClinicChanges: describeSchema(ClinicChanges, {
      description: "Changes of a clinic. Fields that are left out stay as they are.",
      answer: Clinic,
      fields: { ...clinicTexts, active },
      example: { name: "South Street Practice" },
    }),
    Clinic: describeSchema(Clinic, {
      description: "A clinic.",
      fields: {
        id: id.description,
        ...clinicTexts,
        kind: "`personal`: the clinic of one account; `shared`: several accounts can work in it.",
        active,
        role: "Your role in the clinic. Null for an admin who is no member.",
        created_at: "When it was created.",
        updated_at: "When it was last changed.",
      },
      example: exampleClinic,
    }),
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
    "GET /api/clinics": {
      operationId: "listClinics",
      summary: "List clinics",
      description: "Returns a page of the clinics that you are a member of. Admins get all clinics.",
      responses: [{ status: 200, description: "A page of clinics.", schema: Clinic, list: true }],
    },
    "POST /api/clinics": {
      operationId: "createClinic",
      summary: "Create a shared clinic",
      description:
        "For admins. Creates a shared clinic with one member, its manager. An admin who names no manager is the manager until another one is named.",
      responses: [
        {
          status: 201,
          description: "The clinic that was created.",
          schema: Clinic,
          headers: ["Location", "Idempotency-Replayed"],
        },
      ],
      problems: {
        403: {
          description:
            "`admin_required`: you are not an admin. `own_membership`: you have named your own account as the manager.",
          detail: "Only an admin may create clinics.",
          codes: ["admin_required", "own_membership"],
        },
        409: {
          description:
            "An earlier request with this `Idempotency-Key` created a clinic that you cannot read any more.",
          codes: ["replay_unreadable"],
        },
      },
    },
    "GET /api/clinics/:id": {
      operationId: "getClinic",
      summary: "Get a clinic",
      description: "Returns one clinic, to its members and to admins.",
      responses: [{ status: 200, description: "The clinic.", schema: Clinic }],
      problems: { 404: notFound },
    },
    "PATCH /api/clinics/:id": {
      operationId: "updateClinic",
      summary: "Change a clinic",
      description:
        "For managers of the clinic and for admins. Changes the fields that you send, and no others. With `active: false` the sessions that work in the clinic are refused; after a refresh they work in the personal clinics. A manager can make it active again from there.",
      responses: [
        {
          status: 200,
          description: "The clinic after the change.",
          schema: Clinic,
          example: {
            ...exampleClinic,
            name: "South Street Practice",
            updated_at: "2026-12-09T08:30:00.417Z",
          },
        },
      ],
      problems: { 403: notManager, 404: notFound },
    },
    "DELETE /api/clinics/:id": {
      operationId: "deleteClinic",
      summary: "Delete a shared clinic",
      description:
        "For managers of the clinic and for admins. Deletes a shared clinic without patients, with its memberships and invitations. Its sessions go on in the personal clinics of the accounts: their access tokens are refused, and they have to be refreshed.",
      responses: [{ status: 204, description: "The clinic was deleted." }],
      problems: {
        403: notManager,
        404: notFound,
        409: {
          description:
            "`clinic_not_empty`: the clinic has patients; deleted ones count. `personal_clinic`: it is a personal clinic.",
          detail: "The clinic still has patients, perhaps deleted ones. Nothing was changed.",
          codes: ["clinic_not_empty", "personal_clinic"],
        },
      },
    },
    "GET /api/clinics/:id/members": {
      operationId: "listMembers",
      summary: "List the members of a clinic",
      description: "Returns a page of the current members of the clinic, to all its members and to admins.",
      responses: [{ status: 200, description: "A page of members.", schema: Member, list: true }],
      problems: { 404: notFound },
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
        404: notFound,
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
