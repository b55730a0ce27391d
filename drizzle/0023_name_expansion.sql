-- `name_words` as before (0020_name_search.sql), with a limit on what NFKD makes of a name. ﷺ is 18 characters there: an
-- import of 1,000 patients whose names were 64 of them took 14 s of PostgreSQL's processor time.
CREATE OR REPLACE FUNCTION "name_words"(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	folded text := lower(name COLLATE "C");
BEGIN
	IF octet_length(name) > char_length(name) THEN
		-- NFKD undoes the forms of full and half width and the joined forms of Arabic. The ICU collation lowers all
		-- scripts; the collation of the database may know ASCII only.
		-- Only ligatures become more than four characters each. Without a limit, 64 of ﷺ cost as much as 25 long names.
		folded := lower(left(normalize(name, NFKD), greatest(256, 4 * char_length(name))) COLLATE "und-x-icu");
		-- Marks without which a name is written too: accents, Hebrew points, Arabic vowel signs, tatweel and hamza, tone
		-- marks of N'Ko, Vedic accents, nuktas. Vowel signs, the voicing marks of Kana and the tone marks of Thai stay:
		-- other signs, other names. NFKD makes a spacing accent (´) a space and an accent.
		folded := regexp_replace(folded, ' ?[\u0300-\u036f]+|['
			'\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2de0-\u2dff\ufe20-\ufe2f\ua66f-\ua67d\ua69e\ua69f'
			'\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\ufb1e'
			'\u0610-\u061a\u0621\u0640\u064b-\u065f\u0670\u0674\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08ff'
			'\u0711\u0730-\u074a\u07eb-\u07f3\u135d-\u135f\u0951-\u0954\u1cd0-\u1cff\ua8e0-\ua8f1'
			'\u093c\u09bc\u0a3c\u0a51\u0a71\u0abc\u0b3c\u0c3c\u0cbc'
			-- invisible characters
			'\u0080-\u009f\u00ad\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e'
			'\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U000e0000-\U000e0fff'
			-- apostrophes, quotation marks, primes, modifier letters (okina), glottal stops, clicks
			'\u01c0-\u01c3\u0241\u0242\u0294\u0295\u02b0-\u02ff\u0375\u0559-\u055f\u05f3\u05f4\u2018-\u201f\u2032-\u2037\u2057'
			'\ua700-\ua721\ua788-\ua78c]+', '', 'g');
		-- Hyphens, spaces, full stops and other punctuation.
		folded := regexp_replace(folded, '[\u00a0-\u00bf\u037e\u0387\u058a\u0589\u05be\u05c0\u05c3\u05c6\u060c\u060d\u061b-\u061f'
			'\u066a-\u066d\u06d4\u0700-\u070d\u07f7-\u07f9\u0964\u0965\u0970\u0df4\u0e4f\u0e5a\u0e5b\u0f04-\u0f14\u104a-\u104f\u10fb'
			'\u1360-\u1368\u1400\u166e\u1680\u17d4-\u17da\u1800-\u180a\u2000-\u2031\u2038-\u2056\u2058-\u205f\u2212\u223c\u2308-\u230b'
			'\u2e00-\u2e7f\u3000-\u3003\u3008-\u301f\u3030\u303d\u30a0\u30fb\ua4fe\ua4ff\ufd3e\ufd3f\ufe10-\ufe6f]', ' ', 'g');
		-- Latin letters that Unicode does not decompose.
		folded := translate(folded,
			'ɐɑⱥɓƀƃƈȼɕđðɗɖƌȡəǝɘɛɇƒɠǥɣꞡƣħⱨıɨɩɉȷƙⱪĸꞣꝁłƚɫɬȴⱡɱŋɲƞɳȵꞑꞥøɔɵꝋꝍƥᵽꝑɋɍɽʀɾꞧꝛʃʂȿꞩŧƭʈƫⱦȶʉʊʋⱱỽƿⱳƴɏȝỿƶȥʒɀⱬʐ',
			'aaabbbcccddddddeeeeefggggghhiiijjkkkkkllllllmnnnnnnnooooopppqrrrrrrssssttttttuuvvvwwyyyyzzzzzz');
		folded := replace(replace(replace(folded, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
		folded := replace(replace(replace(folded, 'þ', 'th'), 'ƕ', 'hv'), 'ȣ', 'ou');
		-- Armenian ev, whose capital is written ԵՎ, and the digraphs of Yiddish.
		folded := replace(folded, 'եւ', 'եվ');
		folded := replace(replace(replace(folded, 'װ', 'וו'), 'ױ', 'וי'), 'ײ', 'יי');
		-- Capital letters of Georgian: ICU before 62 does not lower them.
		folded := translate(folded,
			'ᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿ',
			'აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿ');
		-- The final sigma, and Cyrillic letters with a hook or a stroke.
		folded := translate(folded,
			'ςґғҕӷҗҙқҝҟҡӄңҥӈөҫҭүұҳһҷҹәѣѳ',
			'σггггжзкккккннностууххччаеф');
		-- Hebrew final forms, and letters of Arabic that keyboards and languages exchange.
		folded := translate(folded,
			'ךםןףץٱٲٳىیېۍێےۑکڪګةہھەۃۀۂۅۆۇۈۉۊۋۏںڵڕ',
			'כמנפצااايييييييككگهههههههوووووووونلر');
		-- Digits, candrabindu, letters of Bengali and Malayalam without a vowel, variants of Han characters.
		folded := translate(folded,
			'٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९০১২৩৪৫৬৭৮৯',
			'0123456789012345678901234567890123456789');
		folded := translate(folded,
			'ँঁਁઁৎൺൻർൽൾൿ',
			'ंংਂંতണനരലളക');
		-- Older and rarer forms of characters in Japanese names.
		folded := translate(folded,
			'髙﨑𠮷𡈽𣘺邉邊齋齊濱濵澤嶋嶌廣櫻國眞德瀨惠曾槇栁冨龍澁條應實榮壽學',
			'高崎吉土橋辺辺斎斉浜浜沢島島広桜国真徳瀬恵曽槙柳富竜渋条応実栄寿学');
		-- The vowel am of Thai and Lao, when its circle was typed before the tone mark.
		folded := regexp_replace(folded, '([\u0e4d\u0ecd])([\u0e48-\u0e4b\u0ec8-\u0ecb])(?=[\u0e32\u0eb2])', '\2\1', 'g');
		-- Katakana.
		folded := translate(folded,
			'ァアィイゥウェエォオカキクケコサシスセソタチッツテトナニヌネノハヒフヘホマミムメモャヤュユョヨラリルレロヮワヰヱヲンヵヶヽ',
			'ぁあぃいぅうぇえぉおかきくけこさしすせそたちっつてとなにぬねのはひふへほまみむめもゃやゅゆょよらりるれろゎわゐゑをんゕゖゝ');
		-- A virama at the end of a word is often left out.
		folded := regexp_replace(folded, '[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]+(?= |$)', '', 'g');
		-- Kana with its voicing mark, and a syllable of Hangul, is one letter: か is not the beginning of が.
		folded := normalize(folded, NFC);
	END IF;
	RETURN array_remove(string_to_array(translate(folded, E'-.,/()&+:;!?@#$<=>[]^{|}~%*_\\\t\n\x0B\f\r''"`', repeat(' ', 34)), ' '), '');
END $$;
--> statement-breakpoint
UPDATE "doctors" SET "name_tokens" = name_tokens(firstname, lastname), "name_sort_key" = name_sort_key(firstname, lastname)
WHERE char_length(normalize(firstname, NFKD)) > 256 OR char_length(normalize(lastname, NFKD)) > 256;--> statement-breakpoint
UPDATE "patients" SET "name_tokens" = name_tokens(firstname, lastname), "name_sort_key" = name_sort_key(firstname, lastname)
WHERE char_length(normalize(firstname, NFKD)) > 256 OR char_length(normalize(lastname, NFKD)) > 256;
