import { administrationTag, describeEmail, pageParameterTexts } from "../http/common-openapi.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { InvitationsQuery, NewInvitation } from "./requests.ts";
import { Invitation, IssuedInvitation } from "./responses.ts";

const id = "The invitation's id.";
const email = describeEmail("The email address that the account will have");
const role = "The role that the account will have: `clinician`, `admin` or `auditor`.";
const clinic = "The id of a shared clinic that the account becomes a member of when it registers.";
const clinicRole =
  "The role of the account in the clinic: `reader`, `clerk`, `clinician` or `manager`. Required with `clinic`.";
const memberTexts = {
  clinic: `${clinic} Null for none.`,
  clinic_role: "The role of the account in the clinic.",
};
const notAdmin = {
  description: "You are not an admin.",
  detail: "Only an admin may manage invitations.",
  codes: ["admin_required"],
} as const;

export const invitationsOpenApi: OpenApiGroup = {
  tag: administrationTag,
  parameters: [
    describeParameters(IdPath, { id: { description: id, example: 7 } }),
    describeParameters(InvitationsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: { description: "`id`, or `-id` for the newest first.", example: "-id" },
    }),
  ],
  schemas: {
    NewInvitation: describeSchema(NewInvitation, {
      description: "A new invitation.",
      fields: { email, role, clinic, clinic_role: clinicRole },
      example: { email: "grace@example.org", role: "clinician" },
    }),
    IssuedInvitation: describeSchema(IssuedInvitation, {
      description: "The invitation that was created, with its code.",
      fields: {
        id,
        email,
        role,
        ...memberTexts,
        code: "The value of `invitation` when registering. It is shown only now and cannot be read later.",
        expires_at: "When it expires: seven days after it was created.",
      },
      example: {
        id: 7,
        email: "grace@example.org",
        role: "clinician",
        clinic: null,
        clinic_role: null,
        code: "q3ZyJ1x6bPp0n5yL0dM2m3v0c8Y",
        expires_at: "2026-12-03T09:30:00.000Z",
      },
    }),
    Invitation: describeSchema(Invitation, {
      description: "An invitation that has not been used.",
      fields: {
        id,
        email,
        role,
        ...memberTexts,
        created_by: "The id of the admin's account; null if an operator of this installation created it.",
        created_at: "When it was created.",
        expires_at: "When it expires.",
      },
      example: {
        id: 7,
        email: "grace@example.org",
        role: "clinician",
        clinic: null,
        clinic_role: null,
        created_by: 1,
        created_at: "2026-11-26T09:30:00.000Z",
        expires_at: "2026-12-03T09:30:00.000Z",
      },
    }),
  },
  operations: {
    "POST /api/invitations": {
      operationId: "invite",
      summary: "Create an invitation",
      description:
        "For admins; managers of a shared clinic may invite accounts with the role `clinician` into it. Creates a code that one account can register with in the next seven days, with this email and this role; with `clinic` it becomes a member there. Send the code yourself: the API sends no mail. The invitation is withdrawn for good when you are no active admin any more, and that of a manager when you are no manager of the clinic any more.",
      responses: [{ status: 201, description: "The invitation, with its code.", schema: IssuedInvitation }],
      problems: {
        400: {
          description: "A field is not valid, or there is no such shared clinic: `errors` names the field.",
        },
        403: {
          ...notAdmin,
          description:
            "`admin_required`: you are neither an admin nor a member of the clinic. `clinic_role_required`: you are a member, but not a manager of the clinic.",
          codes: ["admin_required", "clinic_role_required"],
        },
        409: {
          description: "Registration is closed on this installation.",
          detail: "Registration is closed: an invitation could not be used.",
          codes: ["invitation_unusable"],
        },
      },
    },
    "GET /api/invitations": {
      operationId: "listInvitations",
      summary: "List invitations",
      description: "For admins. Returns a page of the invitations that are unused and have not expired.",
      responses: [{ status: 200, description: "A page of invitations.", schema: Invitation, list: true }],
      problems: { 403: notAdmin },
    },
    "DELETE /api/invitations/:id": {
      operationId: "withdrawInvitation",
      summary: "Withdraw an invitation",
      description: "For admins. The code of the invitation becomes invalid.",
      responses: [{ status: 204, description: "The invitation was withdrawn." }],
      problems: {
        403: notAdmin,
        404: { description: "There is no such invitation.", detail: "There is no such invitation." },
      },
    },
  },
};
