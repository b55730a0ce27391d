-- The words of a name or of a search text, in the form in which they are compared (docs/decisions/0014-name-search.md).
-- The functions that call this one and the next set search_path: here it would cost a third more.
CREATE FUNCTION "name_words"(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	folded text := lower(name COLLATE "C");
BEGIN
	IF octet_length(name) > char_length(name) THEN
		-- NFKD undoes the forms of full and half width and the joined forms of Arabic. The ICU collation lowers all
		-- scripts; the collation of the database may know ASCII only.
		folded := lower(normalize(name, NFKD) COLLATE "und-x-icu");
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
-- The spellings of a name: as it is, and with the German, Nordic and Serbian spellings of its letters: Müller, Mueller;
-- Ødegård, Ødegaard, Oedegård, Oedegaard.
CREATE FUNCTION "name_spellings"(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	spellings text[] := ARRAY[name];
	spelling text;
	spelled_out text;
BEGIN
	IF octet_length(name) = char_length(name) THEN RETURN spellings; END IF;
	spelling := lower(normalize(name, NFC) COLLATE "und-x-icu");
	IF spelling ~ 'å' THEN spellings := spellings || replace(spelling, 'å', 'aa'); END IF;
	FOREACH spelling IN ARRAY spellings LOOP
		spelling := lower(normalize(spelling, NFC) COLLATE "und-x-icu");
		spelled_out := replace(replace(replace(spelling, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue');
		spelled_out := replace(replace(spelled_out, 'ø', 'oe'), 'đ', 'dj');
		IF spelled_out <> spelling THEN spellings := spellings || spelled_out; END IF;
	END LOOP;
	RETURN spellings;
END $$;
--> statement-breakpoint
-- What a search looks for the beginning of: from each word of the first name on, and from each of the last name, the
-- words without separators to the name's end: vanderberg, derberg, berg. So every word is found by its beginning, and
-- words that are next to each other also as one. Here an apostrophe and a joiner of Persian are separators too: brien
-- finds O'Brien.
CREATE FUNCTION "name_tokens"(firstname text, lastname text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	tokens text[] := '{}';
	token text;
	part text;
	words text[];
	joined_last text;
	joined_first text;
BEGIN
	FOREACH part IN ARRAY public.name_spellings(firstname) || public.name_spellings(lastname) LOOP
		words := public.name_words(regexp_replace(part,
			'[''`´\u02b9-\u02bf\u02c8\u05f3\u2018\u2019\u201b\u2032\ua78b\ua78c\uff07]|(?<=[\u0600-\u06ff])\u200c', ' ', 'g'));
		token := '';
		FOR n IN REVERSE cardinality(words)..1 LOOP
			token := left(words[n] || token, 200);
			tokens := tokens || token;
		END LOOP;
	END LOOP;
	IF octet_length(lastname) > char_length(lastname) THEN
		joined_last := array_to_string(public.name_words(lastname), '');
		joined_first := array_to_string(public.name_words(firstname), '');
		-- Chinese, Japanese and Korean full names are written without a space.
		IF joined_last ~ '[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]' THEN
			tokens := tokens || left(joined_last || joined_first, 200) || left(joined_first || joined_last, 200);
		END IF;
	END IF;
	RETURN array_to_tsvector(tokens);
END $$;
--> statement-breakpoint
-- The tokens of a patient for the index, with its owner, or the account that it was deleted from, before each: an account
-- reads its own part of the index only.
CREATE FUNCTION "patient_name_tokens"(owner_id integer, deleted_from integer, tokens tsvector) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	scope text := coalesce(owner_id::text, 'd' || deleted_from) || ':';
	scoped text[] := '{}';
	token text;
BEGIN
	FOREACH token IN ARRAY tsvector_to_array(tokens) LOOP
		scoped := scoped || (scope || token);
	END LOOP;
	RETURN array_to_tsvector(scoped);
END $$;
--> statement-breakpoint
-- The query for the names that a search text matches. Each of its words must begin a token, in one of its spellings,
-- alone or together with words before it, five at most: for mc donald, mc & (donald | mcdonald). A word that was there
-- before is left out: each costs a scan of the index. The scope is put before each word.
CREATE FUNCTION "name_query"(scope text, search text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	spellings text[] := public.name_spellings(search);
	spelling text;
	words text[] := '{}';
	word_count int;
	joined text;
	term text;
	terms text[];
	conditions text[] := '{}';
BEGIN
	-- All spellings have the same number of words.
	FOREACH spelling IN ARRAY spellings LOOP
		words := words || public.name_words(spelling);
	END LOOP;
	word_count := cardinality(words) / cardinality(spellings);
	FOR n IN 1..word_count LOOP
		CONTINUE WHEN words[n] = ANY (words[1:n - 1]);
		terms := '{}';
		FOR s IN 0..cardinality(spellings) - 1 LOOP
			joined := '';
			FOR start IN REVERSE n..greatest(1, n - 4) LOOP
				joined := words[s * word_count + start] || joined;
				term := '''' || scope || left(joined, 200) || ''':*';
				IF term <> ALL (terms) THEN terms := terms || term; END IF;
			END LOOP;
		END LOOP;
		conditions := conditions || ('(' || array_to_string(terms, ' | ') || ')');
	END LOOP;
	RETURN nullif(array_to_string(conditions, ' & '), '')::tsquery;
END $$;
--> statement-breakpoint
-- The key that names are sorted by: last name and first name, each without separators, so that spellings of a name stand
-- together.
CREATE FUNCTION "name_sort_key"(firstname text, lastname text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN left(array_to_string(public.name_words(lastname), ''), 200) || ' ' || left(array_to_string(public.name_words(firstname), ''), 200);
END $$;
--> statement-breakpoint
-- One statement for both columns: it writes the table anew once.
ALTER TABLE "doctors"
	ADD COLUMN "name_tokens" tsvector GENERATED ALWAYS AS (name_tokens(firstname, lastname)) STORED NOT NULL,
	ADD COLUMN "name_sort_key" text COLLATE "C" GENERATED ALWAYS AS (name_sort_key(firstname, lastname)) STORED NOT NULL;
--> statement-breakpoint
ALTER TABLE "patients"
	ADD COLUMN "name_tokens" tsvector GENERATED ALWAYS AS (name_tokens(firstname, lastname)) STORED NOT NULL,
	ADD COLUMN "name_sort_key" text COLLATE "C" GENERATED ALWAYS AS (name_sort_key(firstname, lastname)) STORED NOT NULL;
--> statement-breakpoint
CREATE INDEX "doctors_name_sort_key_id_idx" ON "doctors" USING btree ("name_sort_key","id");--> statement-breakpoint
CREATE INDEX "doctors_name_tokens_idx" ON "doctors" USING gin ("name_tokens") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "patients_owner_id_name_sort_key_id_idx" ON "patients" USING btree ("owner_id","name_sort_key","id");--> statement-breakpoint
CREATE INDEX "patients_deleted_from_name_sort_key_id_idx" ON "patients" USING btree ("deleted_from","name_sort_key","id") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "patients_name_tokens_idx" ON "patients" USING gin (patient_name_tokens("owner_id", "deleted_from", "name_tokens")) WITH (fastupdate=false);