import { expect, test } from "vitest";
import { expectShown } from "./shown-output.ts";

const printed = [
  "HTTP/1.1 200 OK",
  "Content-Type: application/json",
  'ETag: "2"',
  "",
  '{"id":7,"names":["Ada","Grace"],"at":"2026-11-25T13:30:00.000Z"}',
].join("\r\n");

const http = (text: string) => () => expectShown(printed, { language: "http", text });

test.each([
  "HTTP/1.1 200 OK",
  'HTTP/1.1 200 OK\nETag: "2"',
  'HTTP/1.1 200 OK\n\n{"id": …, "names": ["Ada", …], "at": "…Z"}',
  'HTTP/1.1 200 OK\n\n{"id": 7, "names": […], …}',
])("output matches the guide's %j", (shown) => {
  expect(http(shown)).not.toThrow();
});

test.each([
  "HTTP/1.1 201 Created",
  "HTTP/1.1 200 OK\n\nHTTP/1.1 200 OK",
  'HTTP/1.1 200 OK\nETag: "1"',
  "HTTP/1.1 200 OK\nLocation: …/",
  'HTTP/1.1 200 OK\n\n{"id": …}',
  'HTTP/1.1 200 OK\n\n{"id": "…", "names": […], "at": …}',
  'HTTP/1.1 200 OK\n\n{"id": …, "names": …, "at": …}',
  'HTTP/1.1 200 OK\n\n{"id": …, "names": ["Ada"], "at": …}',
  'HTTP/1.1 200 OK\n\n{"id": …, "names": […], "at": "2025-…"}',
])("output does not match the guide's %j", (shown) => {
  expect(http(shown)).toThrow();
});

test("text is compared line by line, and a line that is only … matches any number of lines", () => {
  const lines = (text: string) => () => expectShown("a 1\nb\nc\n", { language: "text", text });
  expect(lines("a …\nb\nc")).not.toThrow();
  expect(lines("a 1\n…\nc")).not.toThrow();
  expect(lines("a …\nc")).toThrow();
});
