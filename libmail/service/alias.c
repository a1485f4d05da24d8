/*
 * Alias files in use; see service/alias.h.
 *
 * A file that cannot be read is no reason to bounce: its users would be unknown.
 */
#include "service/alias.h"

#include <errno.h>
#include <stdlib.h>

#include "base/ascii.h"

enum {
	NAME_MAX_LEN = 256,  /* MAXNAME */
	ALIAS_MAX = 1 << 20, /* octets of a right side */
};

void alias_init(struct alias *a)
{
	*a = (struct alias){.files = 0};
}

void alias_free(struct alias *a)
{
	while (a->files > 0) {
		struct alias_file *f = a->file[--a->files];

		table_free(&f->table);
		free(f);
	}
}

static struct span skip_blanks(struct span s)
{
	while (s.len && ascii_is_blank(s.ptr[0]))
		s = span_skip(s, 1);
	return s;
}

/* "class:" in front of a name; one without it is sendmail's implicit. */
static struct span cut_class(struct span *s)
{
	size_t n = 0;
	struct span class;

	while (n < s->len && !memchr(" ,/:", s->ptr[n], 4))
		n++;
	if (n == s->len || s->ptr[n] != ':')
		return SPAN("implicit");
	class = span_head(*s, n);
	*s = skip_blanks(span_skip(*s, n + 1));
	return class;
}

static bool known_class(struct span c)
{
	static const char *const names[] = {"implicit", "hash", "btree", "dbm",
					    "text",     "stab", "files", "null"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (ascii_eq_nocase(c, span_str(names[i])))
			return true;
	return false;
}

/* "-o -f /path": flags before the name; only -o means something for aliases. */
static bool set_file(struct alias_file *f, struct span s)
{
	while (s.len > 1 && s.ptr[0] == '-') {
		f->optional |= s.ptr[1] == 'o';
		while (s.len && !ascii_is_blank(s.ptr[0]))
			s = span_skip(s, 1);
		s = skip_blanks(s);
	}
	s = span_trim(s);
	return s.len && s.len + 5 < sizeof f->table.path &&
	       span_to_cstr(s, f->path, sizeof f->path);
}

static bool add_one(struct alias *a, struct span spec, struct err *e)
{
	struct span class = cut_class(&spec);
	bool cdb = ascii_eq_nocase(class, SPAN("cdb"));
	struct alias_file *f;

	if (a->files == ALIAS_FILES)
		return err_perm(e, "5.3.5", "Too many alias databases defined, %d max",
				ALIAS_FILES);
	if (!cdb && !known_class(class))
		return err_perm(e, "5.3.5", "setalias: unknown alias class %.*s", SPAN_ARG(class));
	f = calloc(1, sizeof *f);
	if (!f)
		return err_temp(e, "4.3.0", "out of memory");
	f->cdb = cdb;
	f->none = ascii_eq_nocase(class, SPAN("null"));
	f->plain =
	    f->none || ascii_eq_nocase(class, SPAN("text")) || ascii_eq_nocase(class, SPAN("stab"));
	if (!f->none && !set_file(f, spec)) {
		free(f);
		return err_perm(e, "5.3.5", "No file name for %.*s map Alias%d", SPAN_ARG(class),
				a->files);
	}
	a->file[a->files++] = f;
	return true;
}

bool alias_add(struct alias *a, struct span spec, struct err *e)
{
	while ((spec = skip_blanks(spec)).len) {
		bool quoted = false;
		size_t n = 0;

		for (; n < spec.len && (quoted || spec.ptr[n] != ','); n++)
			quoted ^= spec.ptr[n] == '"';
		if (n && !add_one(a, span_head(spec, n), e))
			return false;
		spec = span_skip(spec, n + 1);
	}
	return true;
}

/* FILE.cdb where somebody made one, since then the text may not even be readable here. */
static bool open_file(struct alias_file *f)
{
	size_t n = strlen(f->path);
	struct table *t = &f->table;
	struct err e = {.sys = 0};
	int cdb;

	if (f->open) {
		table_refresh(t);
		return true;
	}
	memcpy(t->path, f->path, n);
	memcpy(t->path + n, ".cdb", 5);
	t->form = TABLE_CDB;
	f->open = table_load(t, &e);
	cdb = e.sys;
	if (!f->open && !f->cdb) {
		t->path[n] = '\0';
		t->form = TABLE_ALIASES;
		f->open = table_load(t, &e);
	}
	/* One that cannot be opened now is not missing, whatever the other is. */
	f->missing = !f->open && e.sys == ENOENT && cdb == ENOENT;
	return f->open;
}

void alias_open(struct alias *a)
{
	for (int i = 0; i < a->files; i++)
		if (!a->file[i]->none)
			open_file(a->file[i]);
}

int alias_find(struct alias *a, struct span name, struct buf *right)
{
	char folded[NAME_MAX_LEN];
	struct span key = aliases_name(name), value;

	if (key.len == 0 || !span_to_cstr(key, folded, sizeof folded))
		return EXIT_NOUSER;
	/* In a data base the names are folded, in a text they are compared so. */
	ascii_fold(folded, key.len);
	key.ptr = folded;
	for (int i = 0; i < a->files; i++) {
		struct alias_file *f = a->file[i];

		if (f->none)
			continue;
		if (!open_file(f)) {
			if (f->optional && f->missing)
				continue;
			return EXIT_TEMPFAIL;
		}
		if (!table_find(&f->table, key, &value))
			continue;
		buf_put(right, value);
		return 0;
	}
	return EXIT_NOUSER;
}

int alias_find_user(struct alias *a, struct span user, struct span detail, struct buf *right)
{
	char name[2 * NAME_MAX_LEN];
	int status = EXIT_NOUSER;
	struct buf b;

	buf_init_fixed(&b, name, sizeof name);
	buf_put(&b, user);
	if (detail.len && detail.ptr[0] == '+') {
		buf_put(&b, detail);
		status = alias_find(a, buf_span(&b), right);
		buf_truncate(&b, user.len);
		buf_puts(&b, "+*");
		if (status == EXIT_NOUSER)
			status = alias_find(a, buf_span(&b), right);
	}
	return status == EXIT_NOUSER ? alias_find(a, user, right) : status;
}

bool alias_knows(const char *files, const char *user, const char *detail)
{
	struct buf right;
	struct alias a;
	struct err e;
	bool known;

	alias_init(&a);
	buf_init(&right, ALIAS_MAX);
	known = files[0] && alias_add(&a, span_str(files), &e) &&
		alias_find_user(&a, span_str(user), span_str(detail), &right) != EXIT_NOUSER;
	buf_free(&right);
	alias_free(&a);
	return known;
}

bool alias_includes(struct alias *a)
{
	static const char mark[] = ":include:";

	alias_open(a);
	for (int i = 0; i < a->files; i++) {
		struct span text = buf_span(&a->file[i]->table.data);

		if (a->file[i]->open && text.len &&
		    memmem(text.ptr, text.len, mark, sizeof mark - 1))
			return true;
	}
	return false;
}
