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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "service/account.h"
#include "service/maps_part.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

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

struct map_data *maps_data(struct maps *m, struct cf_map *map)
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

static bool check_column(struct cf_eval *ev, const struct cf_map *map, struct span c, char flag)
{
	uint64_t v;

	if (c.len == 0 || num_parse(c, COLUMN_MAX, &v))
		return true;
	cf_report(ev, "", "text map \"%.*s\", file %.*s: -%c should specify a number, not %.*s",
		  SPAN_ARG(map->name), SPAN_ARG(map->file), flag, SPAN_ARG(c));
	return false;
}

bool maps_open(void *ctx, struct cf_eval *ev, struct cf_map *map)
{
	struct maps *m = ctx;

	switch (map->kind) {
	case CFM_REGEX:
		return maps_open_regex(m, ev, map);
	/* The type is all that a DNS map needs; without one it is open and never matches. */
	case CFM_DNS:
		if (dns_type_of(map->R) == 0) {
			if (cf_map_flag(map, 'R'))
				cf_report(ev, "", "dns map %.*s: wrong type %.*s",
					  SPAN_ARG(map->name), SPAN_ARG(map->R));
			cf_report(ev, "", "dns map %.*s: missing -R type", SPAN_ARG(map->name));
			return true;
		}
		return true;
	case CFM_TEXT:
	case CFM_HASH:
	case CFM_CDB:
	case CFM_SOCKET:
	case CFM_PROGRAM:
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
	int cdb = 0;

	if (!fits)
		return err_perm(e, "5.3.5", "file name too long");
	/* -f has no effect on text maps. */
	t->exact_case = cf_map_flag(map, 'f') && map->kind != CFM_TEXT;
	t->form = TABLE_CDB;
	memcpy(t->path, map->file.ptr, map->file.len);
	memcpy(t->path + map->file.len, ".cdb", 5);
	if (map->kind != CFM_TEXT) {
		if (table_load(t, e))
			return true;
		cdb = e->sys;
		/* The text may be what the other was made of, once. */
		if (fs_is_passing(cdb))
			return false;
	}
	t->path[map->file.len] = '\0';
	t->form = map->kind == CFM_CDB ? TABLE_CDB : TABLE_PAIRS;
	if (map->kind == CFM_TEXT) {
		t->form = TABLE_COLUMNS;
		t->key_column = column_number(map->k);
		t->value_column = column_number(map->v);
		t->delim = column_delim(map->z);
	}
	if (table_load(t, e))
		return true;
	/* One that cannot be opened now is not missing, whatever the text is. */
	if (cdb && cdb != ENOENT)
		e->sys = cdb;
	return false;
}

/* What rules make of a table that only cannot be read now is no decision. */
static bool note_unread(struct maps *m, int sys)
{
	if (fs_is_passing(sys))
		m->unread = sys;
	return fs_is_passing(sys);
}

/* A table that failed once is not tried again: each message would have its line in the log. */
static bool open_table(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	struct map_data *d = maps_data(m, map);
	struct err e = {.sys = 0};

	if (!d)
		return !note_unread(m, ENOMEM);
	if (d->is_table)
		return true;
	if (d->failed)
		return false;
	d->failed = map->kind == CFM_TEXT &&
		    (!check_column(ev, map, map->k, 'k') || !check_column(ev, map, map->v, 'v'));
	if (d->failed)
		return false;
	if (load_table(d, map, &e)) {
		d->is_table = true;
		return true;
	}
	d->failed = !note_unread(m, e.sys);
	d->missing = e.sys == ENOENT;
	if (cf_map_flag(map, 'o') && d->missing)
		return false;
	if (map->kind == CFM_TEXT && map->file.ptr[0] != '/')
		cf_report(ev, "", "text map \"%.*s\": file name must be fully qualified",
			  SPAN_ARG(map->name));
	else if (map->kind == CFM_TEXT)
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

/* The column of passwd(5) with this name, the first for none; 7 when there is no such. */
static int user_column(struct span field)
{
	static const char *const names[] = {"name",  "passwd", "uid",  "gid",
					    "gecos", "dir",    "shell"};
	int i = 0;

	while (i < 7 && field.len && !ascii_eq_nocase(span_str(names[i]), field))
		i++;
	return i;
}

/* The column of a user map; 7 after one report for a name that is none. */
static int open_user(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	int column = cf_map_flag(map, 'm') ? 0 : user_column(map->v);
	struct map_data *d = column == 7 ? maps_data(m, map) : NULL;

	if (d && !d->failed)
		cf_report(ev, "", "User map %.*s: unknown column name %.*s", SPAN_ARG(map->name),
			  SPAN_ARG(map->v));
	if (d)
		d->failed = true;
	return column;
}

/* -o: a map whose file is missing counts as not there at all. */
bool maps_is_open(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	if (!map->is_open)
		return false;
	if (map->kind == CFM_USER)
		open_user(m, ev, map);
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
		return EXIT_NOHOST;
	buf_put(out, value);
	return 0;
}

static void put_user_field(const struct passwd *pw, int i, struct buf *out)
{
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
		account_put_full_name(pw, out);
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
static int lookup_user(struct maps *m, struct cf_eval *ev, struct cf_map *map, struct span key,
		       struct buf *out)
{
	char name[CF_NAME], mem[2048];
	struct passwd pw, *found = NULL;
	int column = open_user(m, ev, map);

	if (column == 7)
		return EXIT_TEMPFAIL;
	if (!span_to_cstr(key, name, sizeof name))
		return EXIT_NOUSER;
	for (int i = 0; i < 2 && !found; i++) {
		if (i)
			ascii_fold(name, key.len);
		if (getpwnam_r(name, &pw, mem, sizeof mem, &found) != 0 && !found)
			return EXIT_TEMPFAIL;
	}
	if (!found)
		return EXIT_NOUSER;
	put_user_field(found, column, out);
	return 0;
}

int maps_lookup(void *ctx, struct cf_eval *ev, struct cf_map *map, struct span key,
		const struct span *args, struct buf *out)
{
	struct maps *m = ctx;

	switch (map->kind) {
	case CFM_TEXT:
	case CFM_HASH:
	case CFM_CDB:
		return lookup_table(m, ev, map, key, out);
	case CFM_USER:
		return lookup_user(m, ev, map, key, out);
	case CFM_REGEX:
		return maps_lookup_regex(ev, map, key, args, out);
	case CFM_SOCKET:
		return maps_ask_socket(m, map, key, out);
	case CFM_PROGRAM:
		return maps_run(map->rest, key, out);
	case CFM_SYSLOG:
		log_info("%.*s", SPAN_ARG(key));
		return 0;
	case CFM_ARITH:
		buf_putu(out, rand_u64() >> 1);
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
