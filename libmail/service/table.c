/*
 * Text tables and constant data bases; see service/table.h.
 *
 * Contents are hostile as far as bounds go: every offset is checked.
 */
#include "service/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "format/aliases.h"
#include "format/cdb.h"
#include "sys/fs.h"

enum { FILE_MAX = 1 << 30, KEY_MAX = 2048 };

/* Folded for exact tables too: keys that differ in case only share a chain, no more. */
static uint32_t hash_key(struct span s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)ascii_lower(s.ptr[i])) * 16777619u;
	return h ^ h >> 15;
}

static struct span at(const struct table *t, uint32_t pos, uint32_t len)
{
	return span_make(t->data.ptr + pos, len);
}

static bool same_key(const struct table *t, const struct table_entry *en, struct span key)
{
	struct span k = at(t, en->key, en->key_len);

	return t->exact_case ? span_eq(k, key) : ascii_eq_nocase(k, key);
}

/* Ends because index_lines leaves slots empty. */
static uint32_t *find_slot(const struct table *t, struct span key)
{
	uint32_t i = hash_key(key) & (t->slots - 1);

	while (t->slot[i] && !same_key(t, &t->entry[t->slot[i] - 1], key))
		i = (i + 1) & (t->slots - 1);
	return &t->slot[i];
}

/* Column col of a line, counted from 0; false when the line has no such column. */
static bool column(struct span line, int col, char delim, struct span *out)
{
	size_t end = 0;

	if (line.len == 0 || (col == 0 && delim && line.ptr[0] == delim))
		return false;
	/* Leading blanks are no column, unless a delimiter says what is one. */
	if (col == 0 && !delim)
		line = ascii_skip_space(line);
	for (int i = 0; i < col; i++) {
		size_t n = 0;

		while (n < line.len &&
		       (delim ? line.ptr[n] != delim : !ascii_is_blank(line.ptr[n])))
			n++;
		if (n == line.len)
			return false;
		line = span_skip(line, n + 1);
		if (!delim)
			line = ascii_skip_space(line);
	}
	while (end < line.len && (delim ? line.ptr[end] != delim : !ascii_is_blank(line.ptr[end])))
		end++;
	*out = span_head(line, end);
	return true;
}

/* A line of makemap's source: a key at its start, blanks, a value that is not empty. */
static bool pair(struct span line, struct span *key, struct span *value)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.ptr[0] == '#' || ascii_is_space(line.ptr[0]))
		return false;
	*key = ascii_cut_word(&line);
	*value = ascii_skip_space(line);
	return value->len > 0;
}

/* The first line of a key counts, as makemap keeps it; of an alias the last, as newaliases does. */
static void add_entry(struct table *t, struct span key, struct span value)
{
	uint32_t *slot = find_slot(t, key);
	struct table_entry en = {(uint32_t)(key.ptr - t->data.ptr), (uint32_t)key.len,
				 (uint32_t)(value.ptr - t->data.ptr), (uint32_t)value.len};

	if (*slot && t->form != TABLE_ALIASES)
		return;
	if (*slot) {
		t->entry[*slot - 1] = en;
		return;
	}
	t->entry[t->entries] = en;
	*slot = ++t->entries;
}

static void add_line(struct table *t, struct span line)
{
	struct span key, value;

	if (t->form == TABLE_COLUMNS) {
		if ((line.len && line.ptr[0] == '#') ||
		    !column(line, t->key_column, t->delim, &key))
			return;
		/*
		 * The key is known, its value is missing: told apart from a key that is
		 * not there.
		 */
		if (!column(line, t->value_column, t->delim, &value))
			value = (struct span){line.ptr, TABLE_NO_VALUE};
	} else if (!pair(line, &key, &value)) {
		return;
	}
	add_entry(t, key, value);
}

/* Mistakes are for newaliases to tell; what is good is in force. */
static void add_aliases(struct table *t)
{
	enum aliases_event ev;
	struct aliases_entry en;
	struct aliases_reader r;

	aliases_reader_init(&r, t->data.ptr, t->data.len);
	while ((ev = aliases_read(&r, &en)) != ALIASES_END) {
		struct span key = aliases_name(en.left);

		if (ev == ALIASES_ENTRY && key.len)
			add_entry(t, key, en.right);
	}
}

/* Slots are at least twice the lines, so that a search always finds an empty one. */
static bool index_lines(struct table *t)
{
	struct span rest = buf_span(&t->data);
	uint32_t lines = 1;

	for (struct span s = rest; s.len; span_cut(&s, '\n'))
		lines++;
	t->slots = 16;
	while (t->slots < lines * 2)
		t->slots *= 2;
	t->entries = 0;
	t->entry = calloc(lines, sizeof *t->entry);
	t->slot = calloc(t->slots, sizeof *t->slot);
	if (!t->entry || !t->slot)
		return false;
	if (t->form == TABLE_ALIASES)
		add_aliases(t);
	else
		while (rest.len)
			add_line(t, span_cut(&rest, '\n'));
	return true;
}

static void note_file(struct table *t, const struct stat *st)
{
	t->dev = st->st_dev;
	t->ino = st->st_ino;
	t->size = st->st_size;
	t->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* The stamp is taken before the contents are read: a change in between shows next time. */
bool table_load(struct table *t, struct err *e)
{
	struct stat st;

	buf_init(&t->data, FILE_MAX);
	t->entry = NULL;
	t->slot = NULL;
	if (stat(t->path, &st) == 0)
		note_file(t, &st);
	if (!fs_read_all(AT_FDCWD, t->path, FS_FOLLOW, &t->data, e))
		return false;
	if (t->form != TABLE_CDB && !index_lines(t)) {
		table_free(t);
		return err_temp(e, "4.3.0", "out of memory");
	}
	return true;
}

/* A file that cannot be read now leaves the old contents in force. */
void table_refresh(struct table *t)
{
	struct table fresh = *t;
	struct stat st;
	struct err e;

	if (stat(t->path, &st) != 0)
		return;
	note_file(&fresh, &st);
	if (fresh.dev == t->dev && fresh.ino == t->ino && fresh.size == t->size &&
	    fresh.mtime_ns == t->mtime_ns)
		return;
	if (!table_load(&fresh, &e))
		return;
	table_free(t);
	*t = fresh;
}

/* makemap -N and newaliases count a NUL at the end of keys and values. */
static bool find_in_cdb(const struct table *t, struct span key, struct span *value)
{
	struct span file = buf_span(&t->data);
	char with_nul[KEY_MAX];

	if (cdb_find(file, key, value))
		return true;
	if (!span_to_cstr(key, with_nul, sizeof with_nul) ||
	    !cdb_find(file, span_make(with_nul, key.len + 1), value))
		return false;
	value->len -= value->len && value->ptr[value->len - 1] == '\0';
	return true;
}

bool table_find(const struct table *t, struct span key, struct span *value)
{
	const struct table_entry *en;
	uint32_t i;

	if (t->form == TABLE_CDB)
		return find_in_cdb(t, key, value);
	i = t->slots ? *find_slot(t, key) : 0;
	if (i == 0)
		return false;
	en = &t->entry[i - 1];
	*value = en->value_len == TABLE_NO_VALUE ? (struct span){NULL, 0}
						 : at(t, en->value, en->value_len);
	return true;
}

void table_free(struct table *t)
{
	buf_free(&t->data);
	free(t->entry);
	free(t->slot);
	t->entry = NULL;
	t->slot = NULL;
	t->entries = t->slots = 0;
}
