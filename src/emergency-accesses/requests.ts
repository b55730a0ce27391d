import { defineListQuery } from "../http/pagination.ts";

export const EmergencyAccessesQuery = defineListQuery({}, ["id"]);
