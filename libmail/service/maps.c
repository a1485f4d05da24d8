/*
 * Map back ends for the sendmail.cf engine; see service/maps.h.
 *
 * A map is declared in the configuration and opened when it is first asked, as sendmail
 * does: a missing file is then an answer (EXIT_TEMPFAIL, or none with -o) and not a reason
 * to refuse the configuration.  Messages of maps that cannot be opened are sendmail's,
 * each once.
 */
#include "service/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "service/maps_part.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { COLUMN_MAX = 1000 };

void maps_init(struct maps *m, struct resolver *r)
{
	*m = (struct maps){.resolver = r};
}

void maps_free(struct maps *m)
{
	while (m->first) {
		struct map_data *d = m->first;

		m->first = d->next;
		if (d->is_table)
			table_free(&d->table);
		if (d->is_regex)
			regfree(&d->regex);
		free(d);
	}
}

/* Made at the first use, so that a map nobody asks costs nothing. */
static struct map_data *data_of(struct maps *m, struct cf_map *map)
{
	struct map_data *d = map->impl;

	if (d)
		return d;
	d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->next = m->first;
	m->first = d;
	map->impl = d;
	return d;
}

/* -s a,b: the parts of a match that make the value. */
static void parse_parts(struct map_data *d, struct span s)
{
	while (s.len && d->parts < MAP_PARTS) {
		uint64_t v;

		if (num_parse(span_trim(span_cut(&s, ',')), MAP_PARTS - 1, &v))
			d->part[d->parts++] = (uint8_t)v;
	}
}

/* Case does not count unless -f says so; -b is for basic expressions. */
static bool open_regex(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	struct map_data *d = data_of(m, map);
	int flags = cf_map_flag(map, 'b') ? 0 : REG_EXTENDED, rc;
	char text[CF_LINE], why[128];

	if (!d || !span_to_cstr(map->rest, text, sizeof text))
		return false;
	if (!cf_map_flag(map, 'f'))
		flags |= REG_ICASE;
	if (cf_map_flag(map, 's'))
		parse_parts(d, map->S);
	rc = regcomp(&d->regex, text, flags);
	if (rc) {
		regerror(rc, &d->regex, why, sizeof why);
		cf_report(ev, "", "pattern-compile-error: %s", why);
		return false;
	}
	d->is_regex = true;
	return true;
}

static bool check_column(struct cf_eval *ev, const struct cf_map *map, struct span c, char flag)
{
	uint64_t v;

	if (c.len == 0 || num_parse(c, COLUMN_MAX, &v))
		return true;
	cf_report(ev, "", "Text map %.*s, file %.*s: -%c should specify a number, not %.*s",
		  SPAN_ARG(map->name), SPAN_ARG(map->file), flag, SPAN_ARG(c));
	return false;
}

bool maps_open(void *ctx, struct cf_eval *ev, struct cf_map *map)
{
	struct maps *m = ctx;

	switch (map->kind) {
	case CFM_REGEX:
		return open_regex(m, ev, map);
	case CFM_TEXT:
		if (!check_column(ev, map, map->k, 'k') || !check_column(ev, map, map->v, 'v'))
			return false;
		break;
	/* The type is all that a DNS map needs; without one it is open and never matches. */
	case CFM_DNS:
		if (dns_type_of(map->R) == 0) {
			cf_report(ev, "", "dns map %.*s: missing -R type", SPAN_ARG(map->name));
			return true;
		}
		return true;
	case CFM_HASH:
	case CFM_CDB:
		break;
	default:
		return true;
	}
	if (map->file.len == 0) {
		cf_report(ev, "", "No file name for %.*s map %.*s", SPAN_ARG(map->class),
			  SPAN_ARG(map->name));
		return false;
	}
	return true;
}

/* -z as in the operations guide: one octet, or \n or \t. */
static char column_delim(struct span z)
{
	if (z.len == 0)
		return '\0';
	if (z.ptr[0] != '\\')
		return z.ptr[0];
	return z.len > 1 && z.ptr[1] == 'n' ? '\n' : z.len > 1 && z.ptr[1] == 't' ? '\t' : '\\';
}

static int column_number(struct span s)
{
	uint64_t v = 0;

	return num_parse(s, COLUMN_MAX, &v) ? (int)v : 0;
}

/*
 * Reads the table: FILE.cdb before FILE for those that makemap would make. The text itself
 * serves where nobody has made a data base of it.
 */
static bool load_table(struct map_data *d, struct cf_map *map, struct err *e)
{
	struct table *t = &d->table;
	bool fits = map->file.len + 5 < sizeof t->path;

	if (!fits)
		return err_perm(e, "5.3.5", "file name too long");
	/* -f has no effect on text maps. */
	t->exact_case = cf_map_flag(map, 'f') && map->kind != CFM_TEXT;
	t->form = TABLE_CDB;
	memcpy(t->path, map->file.ptr, map->file.len);
	memcpy(t->path + map->file.len, ".cdb", 5);
	if (map->kind != CFM_TEXT && table_load(t, e))
		return true;
	t->path[map->file.len] = '\0';
	t->form = map->kind == CFM_CDB ? TABLE_CDB : TABLE_PAIRS;
	if (map->kind == CFM_TEXT) {
		t->form = TABLE_COLUMNS;
		t->key_column = column_number(map->k);
		t->value_column = column_number(map->v);
		t->delim = column_delim(map->z);
	}
	return table_load(t, e);
}

/* A table that failed once is not tried again: each message would have its line in the log. */
static bool open_table(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	struct map_data *d = data_of(m, map);
	struct err e = {.sys = 0};

	if (!d || d->is_table)
		return d != NULL;
	if (d->failed)
		return false;
	if (load_table(d, map, &e)) {
		d->is_table = true;
		return true;
	}
	d->failed = true;
	d->missing = e.sys == ENOENT;
	if (cf_map_flag(map, 'o') && d->missing)
		return false;
	if (map->kind == CFM_TEXT)
		cf_report(ev, "", "text map \"%.*s\": unsafe map file %.*s", SPAN_ARG(map->name),
			  SPAN_ARG(map->file));
	else
		cf_report(ev, "", "%.*s map \"%.*s\": missing map file %.*s: %s",
			  SPAN_ARG(map->class), SPAN_ARG(map->name), SPAN_ARG(map->file),
			  strerror(e.sys));
	return false;
}

static bool has_table(const struct cf_map *map)
{
	return map->kind == CFM_TEXT || map->kind == CFM_HASH || map->kind == CFM_CDB;
}

/* -o: a map whose file is missing counts as not there at all. */
bool maps_is_open(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	if (!map->is_open)
		return false;
	return !has_table(map) || open_table(m, ev, map) || !cf_map_flag(map, 'o');
}

static int lookup_table(struct maps *m, struct cf_eval *ev, struct cf_map *map, struct span key,
			struct buf *out)
{
	struct map_data *d;
	struct span value;

	if (!open_table(m, ev, map)) {
		d = map->impl;
		return d && d->missing && cf_map_flag(map, 'o') ? EXIT_UNAVAILABLE : EXIT_TEMPFAIL;
	}
	d = map->impl;
	/* A file that was changed is read again, so nobody has to send a signal. */
	table_refresh(&d->table);
	if (!table_find(&d->table, key, &value))
		return EXIT_NOHOST;
	/* A line of a text map without the column that -v names. */
	if (!value.ptr)
		return EXIT_CONFIG;
	buf_put(out, value);
	return 0;
}

static void put_user_field(const struct passwd *pw, struct span field, struct buf *out)
{
	static const char *const names[] = {"name",  "passwd", "uid",  "gid",
					    "gecos", "dir",    "shell"};
	int i = 0;

	while (i < 7 && !ascii_eq_nocase(span_str(names[i]), field))
		i++;
	/* Columns count from 1 as in passwd(5); what is none is the name. */
	if (i == 7)
		i = field.len && ascii_is_digit(field.ptr[0]) ? field.ptr[0] - '1' : 0;
	switch (i) {
	case 1:
		/* No password is there to be had, and asking for it is no reason to tell one. */
		buf_puts(out, "x");
		break;
	case 2:
		buf_putu(out, pw->pw_uid);
		break;
	case 3:
		buf_putu(out, pw->pw_gid);
		break;
	case 4:
		buf_puts(out, pw->pw_gecos);
		break;
	case 5:
		buf_puts(out, pw->pw_dir);
		break;
	case 6:
		buf_puts(out, pw->pw_shell);
		break;
	default:
		buf_puts(out, pw->pw_name);
	}
}

/* As written first, then in lower case, as mail to "Root" is meant for root. */
static int lookup_user(struct cf_map *map, struct span key, struct buf *out)
{
	char name[CF_NAME], mem[2048];
	struct passwd pw, *found = NULL;

	if (!span_to_cstr(key, name, sizeof name))
		return EXIT_NOUSER;
	if (getpwnam_r(name, &pw, mem, sizeof mem, &found) != 0 && !found)
		return EXIT_TEMPFAIL;
	if (!found) {
		ascii_fold(name, key.len);
		getpwnam_r(name, &pw, mem, sizeof mem, &found);
	}
	if (!found)
		return EXIT_NOUSER;
	put_user_field(found, map->v, out);
	return 0;
}

/* -1 is "no match" without an error status; -d joins the parts, else the octet of $|. */
static int lookup_regex(struct cf_map *map, struct span key, struct buf *out)
{
	const struct map_data *d = map->impl;
	regmatch_t at[MAP_PARTS];
	char text[CF_LINE];
	bool first = true, found;

	if (!d || !span_to_cstr(key, text, sizeof text))
		return EXIT_TEMPFAIL;
	/* A NUL in the key would end it for the pattern; span_to_cstr refuses it. */
	found = regexec(&d->regex, text, MAP_PARTS, at, 0) == 0;
	/* -n turns the pattern around: what does not match is found. */
	if (found == cf_map_flag(map, 'n'))
		return -1;
	for (int i = 0; found && i < d->parts; i++) {
		const regmatch_t *p = &at[d->part[i]];

		if (p->rm_so < 0)
			continue;
		if (!first && cf_map_flag(map, 'd'))
			buf_put(out, map->d);
		else if (!first)
			buf_putc(out, (char)CF_ELSE);
		first = false;
		buf_put(out, span_make(text + p->rm_so, (size_t)(p->rm_eo - p->rm_so)));
	}
	return 0;
}

int maps_lookup(void *ctx, struct cf_eval *ev, struct cf_map *map, struct span key,
		const struct span *args, struct buf *out)
{
	struct maps *m = ctx;

	(void)args;
	switch (map->kind) {
	case CFM_TEXT:
	case CFM_HASH:
	case CFM_CDB:
		return lookup_table(m, ev, map, key, out);
	case CFM_USER:
		return lookup_user(map, key, out);
	case CFM_REGEX:
		return lookup_regex(map, key, out);
	case CFM_PROGRAM:
		return maps_run(map->rest, key, out);
	case CFM_SYSLOG:
		log_info("%.*s", SPAN_ARG(key));
		return 0;
	case CFM_HOST:
	case CFM_DNS:
	case CFM_BESTMX:
	case CFM_ARPA:
		return maps_ask(m, ev, map, key, out);
	default:
		return EXIT_TEMPFAIL;
	}
}

int maps_read_file(void *ctx, struct span path, struct buf *out)
{
	char name[CF_NAME];
	struct err e = {.sys = 0};

	(void)ctx;
	if (path.len && path.ptr[0] == '|')
		return maps_run_all(span_skip(path, 1), (struct span){NULL, 0}, out) ? EIO : 0;
	if (!span_to_cstr(path, name, sizeof name))
		return ENAMETOOLONG;
	if (fs_read_all(AT_FDCWD, name, FS_FOLLOW, out, &e))
		return 0;
	return e.sys ? e.sys : EIO;
}
