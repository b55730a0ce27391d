/** What to do about a file that is not in an encoding that is read. */
export const SAVE_AS_UTF8 = 'In a spreadsheet program, save it as "CSV UTF-8".';

/**
 * A decoder for a file from a spreadsheet program: UTF-8, or UTF-16 with a byte order mark, which Excel writes as "Unicode
 * Text". It leaves the mark out, and throws a TypeError for bytes that are not of the encoding.
 *
 * @param start the first two bytes of the file.
 */
export function spreadsheetDecoder([first, second]: Uint8Array): TextDecoder {
  const options = { fatal: true, ignoreBOM: false };
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le", options);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be", options);
  return new TextDecoder("utf-8", options);
}
