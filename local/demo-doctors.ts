import { faker } from "@faker-js/faker/locale/en";
import type pg from "pg";
import { specializations } from "../src/db/schema.ts";
import { personFactory, phoneOf } from "./demo-people.ts";

/**
 * Inserts doctors.
 *
 * @param offset how many were inserted before: their emails differ.
 * @returns their ids
 */
export async function insertDoctors(client: pg.Client, owner: number, count: number, offset: number) {
  const createPerson = personFactory();
  const doctors = Array.from({ length: Math.floor(count) }, (_, i) => ({
    ...createPerson(offset + i),
    // One of ten is known by a phone number only.
    ...(i % 10 === 5 && { email: null }),
    phones: i % 5 === 0 ? [phoneOf(offset + i)] : [],
    specialization: faker.helpers.arrayElement(specializations),
    most: faker.number.int({ min: 4, max: 24 }),
  }));
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO doctors (firstname, lastname, email, phones, gender, specialization, max_appointments_per_day, created_by)
     SELECT firstname, lastname, 'dr.' || email, phones, gender, specialization, most, $2
     FROM json_to_recordset($1) AS r
       (firstname text, lastname text, email text, phones text[], gender text, specialization text, most integer)
     RETURNING id`,
    [JSON.stringify(doctors), owner],
  );
  return rows.map(({ id }) => id);
}
