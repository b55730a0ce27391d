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
			-- apostrophes, quotation marks, primes, modifier letters (okina), glottal stops
			'\u0241\u0242\u0294\u0295\u02b0-\u02ff\u0375\u0559-\u055f\u05f3\u05f4\u2018-\u201f\u2032-\u2037\u2057'
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
		-- The final sigma, and Cyrillic letters with a hook or a stroke.
		folded := translate(folded,
			'ςґғҕӷҗҙқҝҟҡӄңҥӈөҫҭүұҳһҷҹәѣѳ',
			'σггггжзкккккннностууххччаеф');
		-- Hebrew final forms, and letters of Arabic that keyboards and languages exchange.
		folded := translate(folded,
			'ךםןףץٱٲٳىیېۍێےۑکڪګةہھەۃۀۂۅۆۇۈۉۊۋۏ',
			'כמנפצااايييييييكككهههههههوووووووو');
		-- Digits, candrabindu, letters of Bengali and Malayalam without a vowel, variants of Han characters.
		folded := translate(folded,
			'٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९০১২৩৪৫৬৭৮৯',
			'0123456789012345678901234567890123456789');
		folded := translate(folded,
			'ँঁਁઁৎൺൻർൽൾൿ髙﨑𠮷',
			'ंংਂંতണനരലളക高崎吉');
		-- Katakana.
		folded := translate(folded,
			'ァアィイゥウェエォオカキクケコサシスセソタチッツテトナニヌネノハヒフヘホマミムメモャヤュユョヨラリルレロヮワヰヱヲンヵヶヽ',
			'ぁあぃいぅうぇえぉおかきくけこさしすせそたちっつてとなにぬねのはひふへほまみむめもゃやゅゆょよらりるれろゎわゐゑをんゕゖゝ');
		-- A virama at the end of a word is often left out.
		folded := regexp_replace(folded, '[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]+(?= |$)', '', 'g');
		-- Kana with its voicing mark, and a syllable of Hangul, is one letter: か is not the beginning of が.
		folded := normalize(folded, NFC);
	END IF;
	RETURN array_remove(string_to_array(translate(folded, E'-.,/()&+:;!?@#$<=>[]^{|}~\t\n\x0B\f\r''"`', repeat(' ', 30)), ' '), '');
END $$;
--> statement-breakpoint
-- The spellings of a name: as it is, and with the German and Nordic spelling of its letters (Müller, Mueller).
CREATE FUNCTION "name_spellings"(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	composed text;
	spelled_out text;
BEGIN
	IF octet_length(name) = char_length(name) THEN RETURN ARRAY[name]; END IF;
	composed := lower(normalize(name, NFC) COLLATE "und-x-icu");
	spelled_out := replace(replace(replace(composed, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue');
	spelled_out := replace(replace(spelled_out, 'ø', 'oe'), 'å', 'aa');
	RETURN CASE WHEN spelled_out = composed THEN ARRAY[name] ELSE ARRAY[name, spelled_out] END;
END $$;
--> statement-breakpoint
-- What a search looks for the beginning of: from each word of the first name on, and from each of the last name, the
-- words without separators to the name's end: vanderberg, derberg, berg. So every word is found by its beginning, and
-- words that are next to each other also as one.
CREATE FUNCTION "name_tokens"(firstname text, lastname text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	tokens text[] := '{}';
	token text;
	part text;
	words text[];
BEGIN
	FOREACH part IN ARRAY public.name_spellings(firstname) || public.name_spellings(lastname) LOOP
		words := public.name_words(part);
		token := '';
		FOR n IN REVERSE cardinality(words)..1 LOOP
			token := left(words[n] || token, 200);
			tokens := tokens || token;
		END LOOP;
	END LOOP;
	-- Chinese, Japanese and Korean full names are written without a space.
	IF octet_length(lastname) > char_length(lastname) AND lastname ~ '[\u1100-\u11ff\u3040-\u318f\u3400-\u9fff\uac00-\ud7af]' THEN
		tokens := tokens || left(array_to_string(public.name_words(lastname) || public.name_words(firstname), ''), 200)
			|| left(array_to_string(public.name_words(firstname) || public.name_words(lastname), ''), 200);
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
-- The query for the names that a search text matches. Each of its words must begin a token, alone or together with words
-- before it, five at most: for mc donald, mc & (donald | mcdonald). The scope is put before each word.
CREATE FUNCTION "name_query"(scope text, search text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	search_query tsquery;
	words_query tsquery;
	word_query tsquery;
	spelling text;
	words text[];
	joined text;
	term text;
BEGIN
	FOREACH spelling IN ARRAY public.name_spellings(search) LOOP
		words := public.name_words(spelling);
		words_query := NULL;
		FOR n IN 1..cardinality(words) LOOP
			joined := '';
			word_query := NULL;
			FOR start IN REVERSE n..greatest(1, n - 4) LOOP
				joined := words[start] || joined;
				term := '''' || replace(scope || left(joined, 200), '\', '\\') || ''':*';
				word_query := coalesce(word_query || term::tsquery, term::tsquery);
			END LOOP;
			words_query := coalesce(words_query && word_query, word_query);
		END LOOP;
		search_query := coalesce(search_query || words_query, words_query);
	END LOOP;
	RETURN search_query;
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