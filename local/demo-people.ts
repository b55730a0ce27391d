import { faker } from "@faker-js/faker/locale/en";

// The people of the demo data.

/**
 * How many names of each kind faker generates. They are combined afterwards, because faker takes microseconds for
 * each.
 */
const NAMES = 2000;

/** A random number from 0 to 1, of the seed that `faker` has. */
export const random = (): number => faker.number.float();

/** Returns a function that creates a person. Its number is part of the email, which must be unique. */
export function personFactory() {
  const names = (create: () => string) => Array.from({ length: NAMES }, create);
  const female = names(() => faker.person.firstName("female"));
  const male = names(() => faker.person.firstName("male"));
  const last = names(() => faker.person.lastName());
  const pick = (list: string[]) => list[Math.floor(random() * list.length)] ?? "";
  return (number: number) => {
    const share = random();
    const gender = share < 0.49 ? "F" : share < 0.98 ? "M" : share < 0.99 ? "O" : "U";
    const firstname = pick(gender === "F" || (gender !== "M" && number % 2 === 0) ? female : male);
    const lastname = pick(last);
    const local = `${firstname}.${lastname}`.toLowerCase().replace(/[^a-z.]/g, "");
    return { firstname, lastname, gender, email: `${local}.${number + 1}@example.org` };
  };
}

type Person = ReturnType<ReturnType<typeof personFactory>>;

/** A number of the range that is kept for fiction in the United States. */
export const phoneOf = (number: number): string => `+1202555${String(100 + (number % 100)).padStart(4, "0")}`;

/**
 * Returns a function that makes a patient of a person: of each twenty, one has the name, the email, the phone number and
 * the address of another patient of the owner, one has one name, and one has no email.
 */
export function patientFactory() {
  const heads = new Map<number | undefined, object>();
  return (number: number, person: Person, owner: number | undefined) => {
    const kind = number % 20;
    const patient = {
      ...person,
      email_shared: false,
      phones: kind % 5 === 0 ? [phoneOf(number)] : [],
      address: null,
    };
    if (kind === 11) return { ...patient, ...heads.get(owner), email_shared: heads.has(owner) };
    if (kind === 3) return { ...patient, lastname: "" };
    if (kind === 5) return { ...patient, email: null };
    if (kind > 1) return patient;
    const address = {
      ...{ lines: [`${1 + (number % 200)} Chapel Street`], city: "New Haven", region: "CT" },
      ...{ postal_code: "06510", country: "US" },
    };
    const { lastname, email } = person;
    const phones = [phoneOf(number)];
    heads.set(owner, { lastname, email, phones, address });
    return { ...patient, phones, address };
  };
}

/**
 * The birth date of a patient who is about so old, or the age: of each twenty, ten have a birth date, one the month and one
 * the year.
 */
export function birthOf(number: number, age: number): { birth_date: string } | { age: number } {
  const kind = number % 20;
  const year = new Date().getUTCFullYear() - 1 - age;
  const [month, day] = [1 + (number % 12), 1 + (number % 28)].map((part) => String(part).padStart(2, "0"));
  if (kind === 9) return { birth_date: `${year}` };
  if (kind === 7) return { birth_date: `${year}-${month}` };
  return kind % 2 === 0 ? { birth_date: `${year}-${month}-${day}` } : { age };
}
