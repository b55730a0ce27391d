import { expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { encryptCursor } from "../../src/http/pagination.ts";
import { newAccount, type TestAccount, uniqueName } from "../support/accounts.ts";
import { JWT_SECRET } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { postDoctor, postPatient } from "../support/resources.ts";

// Which names a search finds (docs/decisions/0014-name-search.md).

/** Names and searches; in `found` each search finds each name, in `notFound` none of them. */
type Case = [kind: string, names: string[], found: string[], notFound?: string[]];

const cases: Case[] = [
  [
    "the beginning of every word",
    ["Ana María|García López"],
    ["maria", "MAR", "gar", "lopez", "an", "l"],
    ["aria", "opez", "nam"],
  ],
  [
    "two words, in any order",
    ["John|Smith"],
    ["jo smi", "smi jo", "smith john", "s j", "John Smith"],
    ["jo smx", "jane smith", "john smith jr"],
  ],
  [
    "a part of a name with a hyphen",
    ["Anne|Smith-Jones"],
    ["jones", "smith", "smith-jones", "smithjones", "anne jo"],
    ["mith"],
  ],
  [
    "apostrophes",
    [
      "Mary|O'Brien",
      "Mary|O’Brien",
      "Mary|O‘Brien",
      "Mary|O´Brien",
      "Mary|O`Brien",
      "Mary|OʼBrien",
      "Mary|O′Brien",
      "Mary|O＇Brien",
      "Mary|OBrien",
      "Mary|O Brien",
      "Mary|O' Brien",
      "Mary|Oꞌbrien",
    ],
    ["obrien", "O'Brien", "O’Brien", "O‘Brien", "O´Brien", "o`b", "o brien", "OʻBrien", "O＇BRIEN"],
    ["obrienn"],
  ],
  [
    "the word after an apostrophe",
    ["Marco|D'Angelo", "Marco|D’Angelo", "Marco|D´Angelo", "Marco|Dʼangelo", "Marco|D＇Angelo"],
    ["angelo", "ang marco", "dangelo", "d'angelo", "d angelo"],
    ["gelo"],
  ],
  [
    "hyphens and dashes",
    [
      "Jean-Luc|Picard",
      "Jean‑Luc|Picard",
      "Jean–Luc|Picard",
      "Jean—Luc|Picard",
      "Jean−Luc|Picard",
      "Jean‐Luc|Picard",
      "Jean Luc|Picard",
      "Jean\u00a0Luc|Picard",
      "Jean－Luc|Picard",
      "Jean.Luc|Picard",
      "JeanLuc|Picard",
    ],
    ["jean-luc", "jean‑luc", "jean–luc", "JEAN LUC", "jeanluc", "jean luc pic", "picard jean"],
    ["jean paul"],
  ],
  [
    "words written together",
    ["Ronald|McDonald", "Ronald|Mc Donald", "Ronald|Mc-Donald"],
    ["mcdonald", "mc donald", "ronald mc don", "mc donald ronald"],
    ["mac donald"],
  ],
  [
    "full stops",
    ["Jill|St. John", "Jill|St John", "Jill|StJohn"],
    ["st. john", "st john", "stjohn", "St.John", "jill st joh"],
    ["saint john"],
  ],
  [
    "particles",
    ["Jan|van der Berg", "Jan|Vanderberg"],
    ["van der berg", "vanderberg", "van derberg", "jan van der b"],
    ["van den berg"],
  ],
  ["each particle", ["Jan|van der Berg"], ["berg", "der berg", "derberg", "berg jan"]],
  [
    "words that come twice",
    ["Jan|van der Berg"],
    ["berg berg jan jan", "jan van der van berg"],
    ["jan jan jansen"],
  ],
  [
    "one word spelled out and one not",
    ["Anke|Müller-Löwe"],
    ["mueller lowe", "muller loewe", "anke müller loewe"],
  ],
  [
    "accents",
    ["José|Ñúñez", "Jose|Nunez", "JOSE\u0301|NUN\u0303EZ"],
    ["jose nunez", "JOSÉ", "ñu", "nún"],
    ["joze"],
  ],
  [
    "German letters",
    ["Jürgen|Müller"],
    ["muller", "MÜLLER", "mueller", "juergen mueller", "jurgen"],
    ["miller"],
  ],
  ["German letters spelled out", ["Juergen|Mueller"], ["müller", "mueller", "Jürgen"], ["muller"]],
  ["sharp s", ["Ruth|Groß", "Ruth|GROẞ", "Ruth|Gross"], ["gross", "groß", "GROẞ"]],
  ["Nordic letters", ["Søren|Ågård"], ["soren", "soeren", "sören", "agard", "aagaard", "ÅGÅRD"]],
  ["ø with å", ["Martin|Ødegård"], ["odegard", "odegaard", "oedegard", "oedegaard", "ødegård"]],
  ["Icelandic letters", ["Þórður|Ðæl"], ["thordur", "dael", "þorð"]],
  ["Polish and Croatian letters", ["Łukasz|Đurić"], ["lukasz", "duric", "Đ", "ł"]],
  ["Serbian dj", ["Ivan|Đorđević", "Ivan|Djordjević"], ["djordjevic", "Đorđević", "ĐOR"]],
  ["Turkish letters", ["Işık|İpek"], ["isik", "ISIK", "ipek", "İPEK", "IPEK", "ışık"]],
  ["Azerbaijani letters", ["Əli|Əliyev"], ["eliyev", "əliyev", "ƏLI", "ELİYEV"]],
  ["Vietnamese letters", ["Thị Hồng|Nguyễn Đặng"], ["nguyen", "thi hong", "dang thi", "NGUYỄN"]],
  ["African letters", ["Ɓala|Ŋunɗe"], ["bala", "nunde"]],
  ["Maltese and Sami letters", ["Ħal|Ŧor"], ["hal", "tor"]],
  ["ligatures and digraphs", ["Œdipe|Ĳsbrand", "OEDIPE|Ijsbrand"], ["oedipe", "ijs", "œd"]],
  ["the Catalan middle dot", ["Pau|Gal·la", "Pau|Galla", "Pau|Gaŀla"], ["galla", "gal·la"]],
  [
    "Hawaiian okina",
    ["Kaʻiulani|Ka‘ōnohi", "Kaiulani|Kaonohi"],
    ["kaiulani", "kaʻiu", "ka'iulani", "KAONOHI", "kaʻō"],
  ],
  ["full width", ["Ｊｏｈｎ|ｼﾐｽ", "John|シミス"], ["john", "ｊｏ", "シミ", "ｼﾐｽ", "しみす"]],
  [
    "Arabic hamza, vowel signs and tatweel",
    ["أحمد|مُؤْمِن", "احمد|مؤمن", "أحـــمد|مومن", "إحمد|مُومن", "ٱحمد|مؤمن"],
    ["أحمد", "احمد", "إحمد", "أَحْمَد", "احـمد", "مومن", "مؤمن احمد"],
    ["حامد"],
  ],
  [
    "Arabic and Persian letters",
    ["علی|كریمی", "علي|كريمي", "على|کریمی"],
    ["علی", "علي", "على", "کریمی", "كريمي"],
  ],
  ["Arabic heh and teh marbuta", ["فاطمة|جمعه", "فاطمه|جمعة"], ["فاطمة", "فاطمه", "جمعه"]],
  ["Arabic hamza alone", ["علاء|هنا", "علا|هناء"], ["علاء", "علا", "هناء"]],
  [
    "a zero-width non-joiner",
    ["علی\u200cرضا|می", "علیرضا|می", "علی رضا|می"],
    ["علیرضا", "علی رضا", "علی\u200cرضا"],
  ],
  ["the word after a zero-width non-joiner", ["علی\u200cرضا|مهدی\u200cزاده"], ["رضا", "زاده"], ["ضا"]],
  ["Urdu noon ghunna", ["عمران|خاں", "عمران|خان"], ["خان", "خاں"]],
  ["Pashto gaf", ["ګل|جان", "گل|جان"], ["گل", "ګل"], ["كل"]],
  ["Kurdish letters", ["ئاواڵ|ڕێبوار", "ئاوال|ریبوار"], ["ئاوال ریبوار", "ئاواڵ"]],
  ["Arabic and Persian digits", ["علی|۱۲", "علی|١٢", "علی|12"], ["12", "١٢", "۱۲"]],
  ["Hebrew points and cantillation", ["שָׁלוֹם|כֹּהֵן", "שלום|כהן", "שלום|כהנ"], ["שלום", "כהן", "כֹהֵן", "שלום כה"]],
  [
    "a Hebrew maqaf and geresh",
    ["בר־לב|צ׳רנוביץ", "בר-לב|צ'רנוביץ", "בר לב|צרנוביץ"],
    ["בר לב", "ברלב", "לב", "צרנוביץ", "צ׳רנ"],
  ],
  ["Yiddish digraphs", ["אברהם|װײס", "אברהם|ווייס"], ["װײס", "ווייס"]],
  ["Devanagari nukta and candrabindu", ["ज़फ़र|चाँद", "जफर|चांद", "ज\u093cफर|चाँद"], ["जफर", "ज़फ़र", "चांद", "चाँद"]],
  ["Devanagari virama at the end", ["जगत्|सिंह", "जगत|सिंह"], ["जगत", "जगत्"]],
  ["Devanagari vowel signs are letters", ["किरण|शर्मा"], ["किरण", "शर्मा", "कि", "श"], ["करण", "कीरण", "शरमी"]],
  ["Bengali and Tamil", ["রাহুল|বড়ুয়া"], ["রাহুল", "বড"], ["রহুল"]],
  [
    "a Thai tone mark typed after the circle of am",
    ["ใจ|น้ำ", "ใจ|น\u0e4d\u0e49\u0e32"],
    ["น้ำ", "น\u0e4d\u0e49\u0e32"],
  ],
  ["Thai vowels and tones are letters", ["กานต์|ป่า"], ["กานต์", "ป่า"], ["กนต์", "ปา"]],
  [
    "Kana voicing marks are letters",
    ["がく|さとう"],
    ["がく", "が", "ガク", "ｶﾞｸ", "か\u3099く", "さ"],
    ["か", "かく", "ざ", "カク"],
  ],
  ["Kana half-voicing marks are letters", ["パク|ﾊﾟﾝ"], ["パ", "ﾊﾟｸ", "ぱん"], ["ハ", "バク", "はん"]],
  ["Chinese names of one and two characters", ["伟|王", "小明|王"], ["王"], ["明"]],
  [
    "Chinese, Japanese full names without a space",
    ["太郎|山田"],
    ["山", "山田", "太郎", "山田太郎", "太郎山田", "山田 太", "山田　太郎"],
    ["田", "山太郎"],
  ],
  ["full names of half width", ["ﾀﾛｳ|ﾔﾏﾀﾞ"], ["ヤマダタロウ", "やまだたろう", "ﾀﾛｳﾔﾏﾀﾞ"], ["ヤマタ"]],
  [
    "older forms of Japanese characters",
    ["眞理|渡邊", "真理|渡邉", "真理|渡辺"],
    ["渡辺", "渡邊真理", "渡邉眞"],
  ],
  ["Korean syllables", ["철수|김"], ["김", "철", "김철수", "김 철수", "\u1100\u1175\u11b7"], ["기", "처"]],
  ["Cyrillic", ["Семён|Йовович", "Семен|ЙОВОВИЧ"], ["семен", "СЕМЁН", "йов"], ["симен"]],
  [
    "Ukrainian and Kazakh letters",
    ["Мар'яна|Ґонґ", "Мар’яна|Ґонґ", "Маряна|ГОНГ"],
    ["мар'яна", "марʼяна", "маряна", "гонг", "ґ"],
  ],
  [
    "Greek tonos and final sigma",
    ["Γιώργος|ΠΑΠΑΔΟΠΟΥΛΟΣ"],
    ["γιωργος", "ΓΙΩΡΓΟΣ", "παπαδόπουλος", "ΠΑΠ", "γιωργοσ"],
  ],
  ["Armenian and Georgian", ["Արամ|ნინო", "ԱՐԱՄ|ᲜᲘᲜᲝ"], ["արամ", "ԱՐԱՄ", "ნინო", "ᲜᲘᲜᲝ"]],
  ["Armenian ev", ["Սևակ|Սարյան", "ՍԵՎԱԿ|ՍԱՐՅԱՆ"], ["սևակ", "ՍԵՎԱԿ", "Սեւ"]],
  [
    "a nickname in quotation marks and brackets",
    ['Robert "Bob"|Smith (Jones)', "Robert “Bob”|Smith, Jones"],
    ["bob", "jones", "bob smith"],
    ["ob"],
  ],
  [
    "wildcards, which are punctuation",
    ["Adam|Smith", "Adam|Smith_Jones"],
    ["adam", "smi*", "smith%", "*smith*", "'smith':*"],
    ["%dam", "_dam", "*dam", "%", "_", "*", "\\", "a%m", "'; --x"],
  ],
  [
    "many words",
    ["Pablo Diego José Francisco|de Paula Juan Nepomuceno"],
    ["pablo diego jose francisco de paula juan nepomuceno", "nepo juan pau de fran jos die pab"],
    ["pablo diego jose francisco de paula juan picasso"],
  ],
];

const account = await newAccount();
const ids = new Map<string, number>();
for (const name of new Set(cases.flatMap(([, names]) => names))) {
  const [firstname, lastname] = name.split("|");
  const { id } = await postPatient(account, { firstname, lastname });
  ids.set(name, id);
}

/** Which of these names a search finds. */
async function namesFoundBy(search: string, names: string[], query = "limit=200"): Promise<string[]> {
  const response = await account.get(`/api/patients/?${query}&search=${encodeURIComponent(search)}`);
  expect([search, response.status]).toEqual([search, 200]);
  const found = new Set(idsOf(response));
  return names.filter((name) => found.has(ids.get(name) ?? 0));
}

test.each(cases)("search finds names by %s", async (_, names, found, notFound = []) => {
  for (const search of found) expect([search, await namesFoundBy(search, names)]).toEqual([search, names]);
  for (const search of notFound) expect([search, await namesFoundBy(search, names)]).toEqual([search, []]);
});

test("search finds patients with every filter, in every order, by the same rule as without", async () => {
  const [, names] = cases.find(([kind]) => kind === "apostrophes") as Case;
  for (const sort of ["id", "-id", "lastname", "-lastname", "created_at", "-created_at"]) {
    const query = `sort=${sort}&gender=F&min_age=1&max_age=99&limit=200`;
    expect([sort, await namesFoundBy("o brien", names, query)]).toEqual([sort, names]);
    expect([sort, await namesFoundBy("o brien", names, `${query}&doctor=1`)]).toEqual([sort, []]);
  }
});

test("search finds doctors by the same rule", async () => {
  const mark = uniqueName("Q");
  const doctor = await postDoctor(account, { firstname: "Zoë", lastname: `Mc Donald-${mark}` });
  for (const search of [`mcdonald${mark}`, `zoe ${mark}`, `${mark} mc`])
    for (const sort of ["id", "-id", "lastname", "-lastname", "created_at", "-created_at"])
      expect(idsOf(await account.get(`/api/doctors/?sort=${sort}&search=${search}`))).toEqual([doctor.id]);
  expect(idsOf(await account.get(`/api/doctors/?search=donald john ${mark}`))).toEqual([]);
});

test("search finds deleted patients among the deleted ones only, and after an import, a change or a transfer by the new name and owner", async () => {
  const [first, second] = [await newAccount(), await newAccount()];
  const patient = await postPatient(first, { firstname: "Ana", lastname: "O’Brien" });
  const find = async (who: TestAccount, search: string) =>
    idsOf(await who.get(`/api/patients/?search=${search}`));
  expect(await find(first, "obrien")).toEqual([patient.id]);
  expect(await find(second, "obrien")).toEqual([]);
  await first.patch(`/api/patients/${patient.id}/`, { lastname: "Núñez" });
  expect([await find(first, "obrien"), await find(first, "nunez")]).toEqual([[], [patient.id]]);
  await first.delete(`/api/patients/${patient.id}/`);
  expect([await find(first, "nunez"), await find(first, "nunez&deleted=true")]).toEqual([[], [patient.id]]);
});

test("search reads beyond the next 3000 records, page by page and in every order", async () => {
  const many = await newAccount();
  const insert = (firstname: string, count: number) => asOwner`
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, created_at)
    SELECT ${firstname}::text, 'Lovelace' || n, gen_random_uuid() || '@example.org', 36, 'F', ${many.id}::int, ${many.id}::int,
      clock_timestamp() FROM generate_series(1, ${count}::int) n RETURNING id`;
  await insert("Grace", 2);
  await insert("Ada", 3300);
  await insert("Grace", 2);
  await insert("Ada", 3300);
  await insert("Grace", 2);
  for (const sort of ["id", "lastname", "created_at"]) {
    const inOrder: number[][] = [];
    for (const direction of ["", "-"]) {
      const found: number[] = [];
      const path = `/api/patients/?limit=2&search=gra&sort=${direction}${sort}`;
      for await (const page of pagesFrom(many, path)) found.push(...idsOf(page));
      inOrder.push(found);
    }
    expect([sort, new Set(inOrder[0]).size]).toEqual([sort, 6]);
    expect(inOrder[0]).toEqual(inOrder[1]?.toReversed());
  }
});

test("with sort=lastname, the spellings of one name stand together", async () => {
  const nurse = await newAccount();
  const names = [
    "O'Brien",
    "Obrecht",
    "OBRIEN",
    "Öz",
    "O’Brien",
    "Mc Donald",
    "Mcdougal",
    "McDonald",
    "van der Berg",
  ];
  for (const lastname of names) await postPatient(nurse, { firstname: "Ada", lastname });
  const { body } = await nurse.get("/api/patients/?sort=lastname");
  expect(body.map(({ lastname }: { lastname: string }) => lastname)).toEqual([
    "Mc Donald",
    "McDonald",
    "Mcdougal",
    "Obrecht",
    "O'Brien",
    "OBRIEN",
    "O’Brien",
    "Öz",
    "van der Berg",
  ]);
});

test("a cursor of version 1.1 gets 400 with sort=lastname, and the next page in the other orders", async () => {
  const nurse = await newAccount();
  const { id } = await postPatient(nurse);
  const next = await postPatient(nurse);
  const cursorOf = (query: object, key: string | null) =>
    encryptCursor({ list: "/api/patients", query, after: { key, id } }, { JWT_SECRET } as Config);
  for (const sort of ["lastname", "-lastname"]) {
    const cursor = await cursorOf({ sort }, "lovelace ada");
    expect(await nurse.get(`/api/patients/?cursor=${cursor}`)).toEqual(fieldProblem("cursor"));
  }
  const cursor = await cursorOf({ sort: "id" }, null);
  expect(idsOf(await nurse.get(`/api/patients/?cursor=${cursor}`))).toEqual([next.id]);
});

test.each(["-", "--", ".", "'", "’", "ʻ", "´", "\u0301", "\u05be", "・", "、", "（）", "!?", "\u3099"])(
  "search=%j gets 400, because it has accents and punctuation only",
  async (search) => {
    const path = `/api/patients/?search=${encodeURIComponent(search)}`;
    expect(await account.get(path)).toEqual(fieldProblem("search"));
  },
);

test("a name of 64 ligatures that stand for 18 letters each is stored, found and sorted", async () => {
  const { id } = await postPatient(account, { firstname: "ﷺ".repeat(64), lastname: "ﷺ".repeat(64) });
  for (const search of ["ﷺﷺ", "ﷺ".repeat(64), `${"ﷺ".repeat(64)} ${"ﷺ".repeat(64)}`])
    expect(idsOf(await account.get(`/api/patients/?search=${encodeURIComponent(search)}`))).toEqual([id]);
});

test("of such a name 256 letters are folded, because the time grows with their number; of any other name all", async () => {
  const folded = async (name: string) =>
    (await asOwner`SELECT array_to_string(name_words(${name}), ' ') AS words`)[0]?.["words"] as string;
  expect((await folded("ﷺ".repeat(64))).length).toBeLessThanOrEqual(256);
  for (const name of ["가".repeat(63), "\u1f82".repeat(63), "Nguyễn ".repeat(9)])
    expect(await folded(`${name}x`)).toMatch(/x$/);
});
