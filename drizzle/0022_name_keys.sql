-- Generated columns are computed with each UPDATE that names the columns they depend on, even if those keep their values.
-- Triggers compute them only when a name changes.
ALTER TABLE "doctors" ALTER COLUMN "first_last" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "doctors" ALTER COLUMN "last_first" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "doctors" ALTER COLUMN "name_tokens" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "doctors" ALTER COLUMN "name_sort_key" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "patients" ALTER COLUMN "first_last" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "patients" ALTER COLUMN "last_first" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "patients" ALTER COLUMN "name_tokens" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "patients" ALTER COLUMN "name_sort_key" DROP EXPRESSION;--> statement-breakpoint
-- `first_last` and `last_first` are for version 1.1.
CREATE FUNCTION "older_name_key"(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(regexp_replace(replace(replace(replace(replace(translate(regexp_replace(normalize(lower(name), NFKD), '[\u0300-\u036f]', '', 'g'),
	'øłđðħŧıς', 'olddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '\s+', ' ', 'g'));--> statement-breakpoint
CREATE FUNCTION "set_name_keys"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.name_tokens := public.name_tokens(NEW.firstname, NEW.lastname);
	NEW.name_sort_key := public.name_sort_key(NEW.firstname, NEW.lastname);
	NEW.first_last := public.older_name_key(NEW.firstname || ' ' || NEW.lastname);
	NEW.last_first := public.older_name_key(NEW.lastname || ' ' || NEW.firstname);
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "doctors_set_name_keys" BEFORE INSERT ON "doctors" FOR EACH ROW EXECUTE FUNCTION set_name_keys();--> statement-breakpoint
CREATE TRIGGER "doctors_change_name_keys" BEFORE UPDATE OF "firstname", "lastname" ON "doctors" FOR EACH ROW
WHEN (OLD.firstname <> NEW.firstname OR OLD.lastname <> NEW.lastname) EXECUTE FUNCTION set_name_keys();--> statement-breakpoint
CREATE TRIGGER "patients_set_name_keys" BEFORE INSERT ON "patients" FOR EACH ROW EXECUTE FUNCTION set_name_keys();--> statement-breakpoint
CREATE TRIGGER "patients_change_name_keys" BEFORE UPDATE OF "firstname", "lastname" ON "patients" FOR EACH ROW
WHEN (OLD.firstname <> NEW.firstname OR OLD.lastname <> NEW.lastname) EXECUTE FUNCTION set_name_keys();
