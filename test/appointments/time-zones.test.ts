import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { bookablePair } from "../support/appointments.ts";
import { book, minutesAfter, setLimit } from "./support.ts";

const nurse = await newAccount();

/** One for each zone: to create one takes longer than to use it, and `nextChange` uses it some thousand times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** The offset of a zone from UTC at a moment, in minutes. */
function offsetOf(zone: string, moment: number): number {
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" });
  formats.set(zone, format);
  const name = format.formatToParts(moment).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes = "0"] = /GMT([+-])(\d+):?(\d+)?/.exec(name) ?? [];
  return hours === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const HALF_HOUR_MS = 1_800_000;

/** The moment of the next change of a zone's clock by `minutes`, at least two days ahead. */
function nextChange(zone: string, minutes: number): string {
  let moment = Math.ceil(Date.now() / HALF_HOUR_MS) * HALF_HOUR_MS + 2 * 86_400_000;
  while (offsetOf(zone, moment) - offsetOf(zone, moment - HALF_HOUR_MS) !== minutes) moment += HALF_HOUR_MS;
  return new Date(moment).toISOString();
}

/** The hours of every day as minutes of the day. */
const daily = (from: number, to: number) =>
  `{${Array.from({ length: 7 }, (_, day) => `[${day * 1440 + from},${day * 1440 + to})`)}}`;

/** A pair whose doctor works at night, from one to four o'clock. */
const atNight = (zone: string) => bookablePair(nurse, { zone, slotMinutes: 60, week: daily(60, 240) });

test.each([
  ["Europe/Berlin", 60],
  ["America/New_York", 60],
  ["Australia/Lord_Howe", 30],
])("%s: on the day when the clock goes forward, the night is shorter", async (zone, skipped) => {
  const change = nextChange(zone, skipped);
  // The clock goes from two to two plus `skipped`: at four, 120 - skipped minutes have passed.
  const end = minutesAfter(change, 120 - skipped);
  const statusOf = async (startsAt: string, minutes: number) =>
    (await book(nurse, await atNight(zone), startsAt, { minutes })).status;
  expect(await statusOf(minutesAfter(change, -60), 180 - skipped)).toBe(201);
  expect(await statusOf(minutesAfter(change, -60), 180 - skipped + 5)).toBe(409);
  expect(await statusOf(minutesAfter(end, -30), 30)).toBe(201);
  expect(await statusOf(minutesAfter(end, -25), 30)).toBe(409);
});

test("Europe/Berlin: on the day when the clock goes back, both hours between two and three are within the hours", async () => {
  // At three it is two again, for the second time.
  const change = nextChange("Europe/Berlin", -60);
  const pair = await atNight("Europe/Berlin");
  await setLimit(pair.doctor, 2);
  const [first, second] = [minutesAfter(change, -60), change];
  const days = [];
  for (const startsAt of [first, second]) days.push((await book(nurse, pair, startsAt)).body.day);
  expect(days).toEqual([change.slice(0, 10), change.slice(0, 10)]);
  expect((await book(nurse, pair, minutesAfter(change, 60))).body.rules).toEqual(["day_full"]);
  expect(
    (await book(nurse, await atNight("Europe/Berlin"), minutesAfter(first, -60), { minutes: 240 })).status,
  ).toBe(201);
});

test.each([
  ["Europe/Berlin", 60, 23],
  ["Europe/Berlin", -60, 25],
  ["America/Sao_Paulo", 0, 24],
])(
  "%s: a day whose clock changes by %i minutes has %i hours, which count against one limit",
  async (zone, by, hours) => {
    const day =
      by === 0
        ? minutesAfter(new Date().toISOString(), 5 * 1440).slice(0, 10)
        : nextChange(zone, by).slice(0, 10);
    const noon = `${day}T12:00:00.000Z`;
    // The midnight before: by the offset at that time.
    const midnight = minutesAfter(
      `${day}T00:00:00.000Z`,
      -offsetOf(zone, Date.parse(minutesAfter(noon, -1440))),
    );
    const last = minutesAfter(midnight, hours * 60 - 5);
    const pair = await bookablePair(nurse, { zone });
    await setLimit(pair.doctor, 1);
    const dayOf = async (startsAt: string) => (await book(nurse, pair, startsAt, { minutes: 5 })).body;
    expect((await dayOf(midnight)).day).toBe(day);
    expect((await dayOf(last)).rules).toEqual(["day_full"]);
    expect((await dayOf(minutesAfter(last, 5))).day).not.toBe(day);
    expect((await dayOf(minutesAfter(midnight, -5))).day).not.toBe(day);
  },
);
