import { pageParameterTexts, requestHeaders } from "../http/common-openapi.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { clinicIdText, membersOpenApi, noClinic, notManager } from "./members-openapi.ts";
import { ClinicChanges, ClinicsQuery, NewClinic } from "./requests.ts";
import { Clinic } from "./responses.ts";

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

const sort = { description: "`id`, or `-id` for the newest first.", example: "-id" };

export const clinicsOpenApi: OpenApiGroup = {
  tag: {
    name: "Clinics",
    description:
      "Clinics own patients. Each account has a personal clinic of its own. In a shared one several accounts work with the same patients, each by its role there; a session works in one clinic at a time.",
  },
  parameters: [
    ...requestHeaders,
    describeParameters(IdPath, { id: clinicIdText }),
    describeParameters(ClinicsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort,
    }),
    ...membersOpenApi.parameters,
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
        id: clinicIdText.description,
        ...clinicTexts,
        kind: "`personal`: the clinic of one account; `shared`: several accounts can work in it.",
        active,
        role: "Your role in the clinic. Null for an admin who is no member.",
        created_at: "When it was created.",
        updated_at: "When it was last changed.",
      },
      example: exampleClinic,
    }),
    ...membersOpenApi.schemas,
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
      problems: { 404: noClinic },
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
      problems: { 403: notManager, 404: noClinic },
    },
    "DELETE /api/clinics/:id": {
      operationId: "deleteClinic",
      summary: "Delete a shared clinic",
      description:
        "For managers of the clinic and for admins. Deletes a shared clinic without patients, with its memberships and invitations. Its sessions go on in the personal clinics of the accounts: their access tokens are refused, and they have to be refreshed.",
      responses: [{ status: 204, description: "The clinic was deleted." }],
      problems: {
        403: notManager,
        404: noClinic,
        409: {
          description:
            "`clinic_not_empty`: the clinic has patients; deleted ones count. `personal_clinic`: it is a personal clinic.",
          detail: "The clinic still has patients, perhaps deleted ones. Nothing was changed.",
          codes: ["clinic_not_empty", "personal_clinic"],
        },
      },
    },
    ...membersOpenApi.operations,
  },
};
