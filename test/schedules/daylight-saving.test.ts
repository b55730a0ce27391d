import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { newSchedule, postDoctorWithSchedule } from "../support/schedules.ts";

// Days on which the clock changes, of a year that is not over soon. Slots of the past are not shown.

const account = await newAccount();

const SATURDAY = 6;
const SUNDAY = 7;
const BERLIN_SPRING = "2090-03-26";
const BERLIN_AUTUMN = "2090-10-29";

interface Slots {
  time_zone: string;
  hours?: [weekday: number, from: string, to: string][];
  slot_minutes?: number;
}

/** The free slots of a new doctor on some local days. Without `hours` the doctor always works. */
async function slotsOf({ hours, ...fields }: Slots, from: string, to = from) {
  const entries = hours?.map(([weekday, opens, closes]) => ({ weekday, from: opens, to: closes }));
  const doctor = await postDoctorWithSchedule(
    account,
    newSchedule({ ...fields, ...(entries && { hours: entries }) }),
  );
  const { body } = await account.get(`/api/doctors/${doctor.id}/slots/?from=${from}&to=${to}`);
  return body.slots as { starts_at: string; ends_at: string; day: string }[];
}

const starts = (slots: { starts_at: string }[]) => slots.map(({ starts_at }) => starts_at.slice(0, 16));

test.each([
  ["Europe/Berlin", BERLIN_SPRING, 23],
  ["Europe/Berlin", BERLIN_AUTUMN, 25],
  ["Europe/Berlin", "2090-06-01", 24],
  ["America/New_York", "2090-03-12", 23],
  ["America/New_York", "2090-11-05", 25],
  ["Asia/Kolkata", BERLIN_SPRING, 24],
  ["Pacific/Apia", BERLIN_SPRING, 24],
  // The clock changes at midnight: the day begins at 01:00.
  ["Africa/Cairo", "2090-04-28", 23],
  ["America/Havana", "2090-03-12", 23],
  // Midnight comes twice.
  ["America/Havana", "2090-11-05", 25],
  ["Atlantic/Azores", "2090-10-29", 25],
])("in %s the day %s has %i slots of an hour", async (time_zone, day, count) => {
  const slots = await slotsOf({ time_zone, slot_minutes: 60 }, day);
  expect(slots.map((slot) => slot.day)).toEqual(Array(count).fill(day));
  expect(new Set(starts(slots)).size).toBe(count);
});

test("a day of 24.5 hours has 49 slots of half an hour", async () => {
  const slots = await slotsOf({ time_zone: "Australia/Lord_Howe", slot_minutes: 30 }, "2090-04-02");
  expect(slots).toHaveLength(49);
});

test.each<[string, [from: string, to: string], string, string[]]>([
  ["of a skipped hour are none", ["02:00", "03:00"], BERLIN_SPRING, []],
  [
    "that open in a skipped hour open at its end",
    ["02:30", "04:00"],
    BERLIN_SPRING,
    [`${BERLIN_SPRING}T01:00`, `${BERLIN_SPRING}T01:30`],
  ],
  [
    "that close in a skipped hour close at its end",
    ["01:30", "02:30"],
    BERLIN_SPRING,
    [`${BERLIN_SPRING}T00:30`],
  ],
  [
    "of a doubled hour are those of the second one",
    ["02:00", "03:00"],
    BERLIN_AUTUMN,
    [`${BERLIN_AUTUMN}T01:00`, `${BERLIN_AUTUMN}T01:30`],
  ],
  [
    "around a doubled hour have it twice",
    ["01:00", "03:00"],
    BERLIN_AUTUMN,
    [
      ...["2090-10-28T23:00", "2090-10-28T23:30", `${BERLIN_AUTUMN}T00:00`],
      ...[`${BERLIN_AUTUMN}T00:30`, `${BERLIN_AUTUMN}T01:00`, `${BERLIN_AUTUMN}T01:30`],
    ],
  ],
])("hours %s", async (_, [from, to], day, expected) => {
  const slots = await slotsOf({ time_zone: "Europe/Berlin", hours: [[SUNDAY, from, to]] }, day);
  expect(starts(slots)).toEqual(expected);
});

test("nine o'clock stays nine o'clock over the change", async () => {
  const weekdays = [1, 2, 3, 4, 5].map((day): [number, string, string] => [day, "09:00", "17:00"]);
  const slots = await slotsOf(
    { time_zone: "Europe/Berlin", slot_minutes: 240, hours: weekdays },
    "2090-03-24",
    "2090-03-27",
  );
  expect(starts(slots)).toEqual([
    ...["2090-03-24T08:00", "2090-03-24T12:00", "2090-03-27T07:00", "2090-03-27T11:00"],
  ]);
});

test("the afternoon after the change is at the new offset", async () => {
  const afternoon: Slots = {
    ...{ time_zone: "America/New_York", slot_minutes: 300, hours: [[SUNDAY, "13:00", "18:00"]] },
  };
  expect(starts(await slotsOf(afternoon, "2090-03-12"))).toEqual(["2090-03-12T17:00"]);
});

const night: Slots["hours"] = [
  [SATURDAY, "22:00", "24:00"],
  [SUNDAY, "00:00", "06:00"],
];

test("a night over the change has slots of both days, one hour less", async () => {
  const slots = await slotsOf(
    { time_zone: "Europe/Berlin", slot_minutes: 60, hours: night },
    "2090-03-25",
    BERLIN_SPRING,
  );
  expect(slots.map(({ day }) => day.slice(-2))).toEqual(["25", "25", "26", "26", "26", "26", "26"]);
});

test("the second day of a night has the same slots, whether it is asked for alone or not", async () => {
  const schedule: Slots = { time_zone: "Europe/Berlin", slot_minutes: 45, hours: night };
  const alone = await slotsOf(schedule, BERLIN_SPRING);
  const both = await slotsOf(schedule, "2090-03-25", BERLIN_SPRING);
  expect(starts(alone)).toEqual(starts(both.filter(({ day }) => day === BERLIN_SPRING)));
  expect(alone.length).toBeGreaterThan(5);
});

test("a night from Sunday to Monday has the same slots as another night, whether Monday is asked for alone or not", async () => {
  const hours: Slots["hours"] = [
    ...[SUNDAY, 2].map((day): [number, string, string] => [day, "22:00", "24:00"]),
    ...[1, 3].map((day): [number, string, string] => [day, "00:00", "06:00"]),
  ];
  const schedule: Slots = { time_zone: "UTC", slot_minutes: 50, hours };
  const timesOf = async (from: string, to?: string) =>
    starts(await slotsOf(schedule, from, to)).map((start) => start.slice(11));
  // A Sunday, and a Tuesday.
  const [sunday, tuesday] = [
    await timesOf("2090-06-04", "2090-06-05"),
    await timesOf("2090-06-06", "2090-06-07"),
  ];
  expect(sunday).toEqual(tuesday);
  expect(sunday).toEqual(["22:00", "22:50", "23:40", "00:30", "01:20", "02:10", "03:00", "03:50", "04:40"]);
  expect(await timesOf("2090-06-05")).toEqual(sunday.slice(3));
});

test("hours of the whole week have slots that begin on Monday, whichever day is asked for", async () => {
  const schedule: Slots = { time_zone: "UTC", slot_minutes: 420 };
  const week = starts(await slotsOf(schedule, "2090-06-05", "2090-06-12"));
  expect(week[0]).toBe("2090-06-05T00:00");
  expect(week).toContain("2090-06-12T00:00");
  expect(new Set(week).size).toBe(week.length);
  expect(starts(await slotsOf(schedule, "2090-06-07", "2090-06-12"))).toEqual(
    week.filter((start) => start >= "2090-06-07"),
  );
});
