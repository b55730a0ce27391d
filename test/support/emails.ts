const long = (length: number, character = "x") => character.repeat(length);
/** 55 octets and a dot. */
const label55 = `${long(55, "d")}.`;

/** Addresses that are accepted and stored as they are. */
export const validEmails = [
  // RFC 5321: every character of atext, and dots between them.
  ..."!#$%&'*+-/=?^_`{|}~".split("").flatMap((c) => [`a${c}b@example.org`, `${c}@example.org`]),
  ...[
    "user&co@example.org",
    "a/b@example.org",
    "x=y@example.org",
    "!#$%*{}~@example.org",
    "a.-b.c@example.org",
  ],
  ...[
    "Ada.Lovelace@Example.ORG",
    "ada+tag@mail.example.org",
    "1@2.example",
    "a@b--c.org",
    "o'brien@example.org",
  ],
  // RFC 6531: any script, in both parts.
  ...[
    "müller@example.org",
    "info@müller.de",
    "иван@пример.рф",
    "josé.arrañoça@domæne.dk",
    "χρήστης@παράδειγμα.ελ",
  ],
  ...[
    "संपर्क@डाटामेल.भारत",
    "用户@例子.广告",
    "二ノ宮@黒川.日本",
    "คนจำ@ตัวอย่าง.ไทย",
    "도메인@실례.테스트",
    "אבג@דוגמה.co.il",
  ],
  ...[
    "مثال@مثال.إختبار",
    "😀@example.org",
    "info@i❤.ws",
    "ꭰꮃ@example.org",
    "𠀀@例子.中国",
    "straße@straße.de",
  ],
  // Punycode.
  ...["a@b.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai", "A@XN--MLLER-KVA.DE", "a@b.XN--P1AI"],
  // The longest parts: 64 octets, a label of 63 characters.
  ...[`${long(64)}@example.org`, `${long(32, "ü")}@example.org`, `a@${long(63)}.org`, `a@b.${long(63)}`],
  `a@${label55.repeat(2)}org`,
];

/** Addresses that are refused. */
export const invalidEmails = [
  ...[
    "ada.example.org",
    "@example.org",
    "ada@",
    "@",
    "ada@eve@example.org",
    "ada@example.org, eve@example.org",
  ],
  ...[
    "Ada <ada@example.org>",
    "mailto:ada@example.org",
    "ada@example.org;",
    "(ada)@example.org",
    "ada@example.org.",
  ],
  // Dots.
  ...[".ada@example.org", "ada.@example.org", "a..b@example.org", "ada@.example.org", "ada@example..org"],
  // Domains: one label, hyphens at the ends, other characters than letters and digits, top-level domains with digits.
  ...[
    "ada@localhost",
    "a@b",
    "ada@-example.org",
    "ada@example-.org",
    "ada@a.-b.org",
    "a@b.c-",
    "a@b.-c",
    "a@b.xn--",
  ],
  ...[
    "a@b_c.org",
    "a@_dmarc.b.org",
    "a@b!c.org",
    "a@b+c.org",
    "a@b/c.org",
    "a@b'c.org",
    "a@b.c",
    "a@b.123",
    "a@b.c1",
  ],
  ...["a@1.2.3.4", "a@[1.2.3.4]", "a@[IPv6:2001:db8::1]", "a@b.xn--a_b", "a@b.xn--ü", "a@b.org:25"],
  // Quoted local parts.
  ...[
    '"ada"@example.org',
    '"ada lovelace"@example.org',
    '"a@b"@example.org',
    "a\\b@example.org",
    "a\\@b@example.org",
  ],
  // White space and control characters.
  ...[
    " ",
    "\t",
    "\n",
    "\r",
    "\u0001",
    "\u001f",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u3000",
  ].flatMap((space) => [`a${space}b@example.org`, `a@exa${space}mple.org`]),
  // Invisible characters.
  ..."\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200c\u200d\u200e\u202e\u2060\u2066\u206f\u2800\u3164"
    .split("")
    .flatMap((c) => [`a${c}b@example.org`, `a@exa${c}mple.org`]),
  ...[
    "\ufe0f",
    "\ufeff",
    "\uffa0",
    "\ufff9",
    "\u{e0041}",
    "\u{e0100}",
    "\u{1d173}",
    "\u{1bca0}",
    "\ue000",
    "\u{f0000}",
  ].map((character) => `a${character}b@example.org`),
  // Look-alikes of @, dots, letters and apostrophes.
  ...[
    "ada＠example.org",
    "ada﹫example.org",
    "ada@example。org",
    "ada@example．org",
    "ada@example｡org",
    "ａｄａ@example.org",
  ],
  ...["o’brien@example.org", "jean–luc@example.org", "“ada”@example.org", "ﬁ@example.org"],
  // Too long.
  ...[`${long(65)}@example.org`, `${long(33, "ü")}@example.org`, `${long(22, "用")}@example.org`],
  ...[
    `a@${long(64)}.org`,
    `a@b.${long(64)}`,
    `a@${long(64, "ü")}.org`,
    `a@${long(40, "用")}.${long(45, "用")}.org`,
  ],
];
