import type { appointmentStatuses } from "../db/schema/codes.ts";

// Calendars as text (iCalendar, RFC 5545). They have no names and no notes: other programs store them, and show them on
// phones.

/** What a calendar has of an appointment. */
export interface CalendarAppointment {
  id: number;
  starts_at: string;
  ends_at: string;
  status: (typeof appointmentStatuses)[number];
  updated_at: string;
  version: number;
}

/** The most bytes of UTF-8 in a line, without its end (RFC 5545, section 3.1). */
const MAX_LINE_BYTES = 75;
const SHORT_ASCII_LINE = new RegExp(`^[ -~]{0,${MAX_LINE_BYTES}}$`);
const encoder = new TextEncoder();

/** Folds a line that is too long: the next ones begin with a space. No character is split. */
export function foldLine(line: string): string {
  if (SHORT_ASCII_LINE.test(line)) return line;
  const lines: string[] = [];
  let [current, bytes] = ["", 0];
  for (const character of line) {
    const size = encoder.encode(character).length;
    if (bytes + size > MAX_LINE_BYTES) {
      lines.push(current);
      [current, bytes] = [" ", 1];
    }
    current += character;
    bytes += size;
  }
  return [...lines, current].join("\r\n");
}

/** Escapes a text (RFC 5545, section 3.3.11). A value must have no control characters, so they are left out. */
export const escapeText = (text: string): string =>
  text
    .replace(/[\\;,]/g, "\\$&")
    .replace(/\r\n|[\n\r\u0085\u2028\u2029]/g, "\\n")
    .replace(/\p{Cc}/gu, "");

/** A UTC timestamp as iCalendar has it: `20261201T093000Z`. */
const utcTime = (timestamp: string): string => timestamp.replace(/[-:]|\.\d+/g, "");

/** @param host a part of the event's id, which must be unique in the world */
function eventLines(appointment: CalendarAppointment, host: string): string[] {
  const { id, starts_at, ends_at, status, updated_at, version } = appointment;
  const isCancelled = status === "cancelled";
  const changedAt = utcTime(updated_at);
  return [
    "BEGIN:VEVENT",
    `UID:appointment-${id}@${host}`,
    // Without METHOD, the time of the last change (RFC 5545, section 3.8.7.2): a calendar that has not changed has the
    // same ETag.
    `DTSTAMP:${changedAt}`,
    `LAST-MODIFIED:${changedAt}`,
    `SEQUENCE:${version - 1}`,
    `DTSTART:${utcTime(starts_at)}`,
    `DTEND:${utcTime(ends_at)}`,
    `SUMMARY:Appointment ${id}`,
    `STATUS:${isCancelled ? "CANCELLED" : "CONFIRMED"}`,
    `TRANSP:${isCancelled ? "TRANSPARENT" : "OPAQUE"}`,
    "CLASS:PRIVATE",
    "END:VEVENT",
  ];
}

/** A calendar must have a component (RFC 5545, section 3.6), and some programs refuse one without any. */
const timeZoneLines = [
  "BEGIN:VTIMEZONE",
  "TZID:UTC",
  "BEGIN:STANDARD",
  "DTSTART:19700101T000000",
  "TZOFFSETFROM:+0000",
  "TZOFFSETTO:+0000",
  "END:STANDARD",
  "END:VTIMEZONE",
];

/** The text of a calendar with these appointments. @param host the name of this server */
export function formatCalendar(label: string, appointments: CalendarAppointment[], host: string): string {
  const name = escapeText(label);
  const events = appointments.flatMap((appointment) => eventLines(appointment, host));
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Hospital API//Calendar feed//EN",
    "CALSCALE:GREGORIAN",
    // No METHOD: it is for messages. It needs an ORGANIZER (RFC 5546, section 3.2.1), and the same in Content-Type (RFC
    // 5545, 3.7.2).
    `NAME:${name}`, // RFC 7986. Older programs read the name and the interval with X-.
    `X-WR-CALNAME:${name}`,
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    "X-PUBLISHED-TTL:PT1H",
    ...(events.length > 0 ? events : timeZoneLines),
    "END:VCALENDAR",
    "",
  ];
  return lines.map(foldLine).join("\r\n");
}
