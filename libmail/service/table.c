/*
 * Text tables and constant data bases; see service/table.h.  The format of cdb is
 * D. J. Bernstein's: 256 hash tables behind the records, little-endian.
 *
 * Contents are hostile as far as bounds go: every offset is checked.
 */
#include "service/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "sys/fs.h"

enum { FILE_MAX = 1 << 30, CDB_TABLES = 256, CDB_HEADER = 2048 };

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

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Column col of a line, counted from 0; false when the line has no such column. */
static bool column(struct span line, int col, char delim, struct span *out)
{
	size_t end = 0;

	if (line.len == 0 || (col == 0 && delim && line.ptr[0] == delim))
		return false;
	/* Leading blanks are no column, unless a delimiter says what is one. */
	while (col == 0 && !delim && line.len && is_blank(line.ptr[0]))
		line = span_skip(line, 1);
	for (int i = 0; i < col; i++) {
		size_t n = 0;

		while (n < line.len &&
		       (delim ? line.ptr[n] != delim : !ascii_is_blank(line.ptr[n])))
			n++;
		if (n == line.len)
			return false;
		line = span_skip(line, n + 1);
		while (!delim && line.len && is_blank(line.ptr[0]))
			line = span_skip(line, 1);
	}
	while (end < line.len && (delim ? line.ptr[end] != delim : !ascii_is_blank(line.ptr[end])))
		end++;
	*out = span_head(line, end);
	return true;
}

/* A line of makemap's source: a key at its start, blanks, a value that is not empty. */
static bool pair(struct span line, struct span *key, struct span *value)
{
	size_t n = 0;

	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.ptr[0] == '#' || is_blank(line.ptr[0]))
		return false;
	while (n < line.len && !is_blank(line.ptr[n]))
		n++;
	*key = span_head(line, n);
	*value = span_skip(line, n);
	while (value->len && is_blank(value->ptr[0]))
		*value = span_skip(*value, 1);
	return value->len > 0;
}

static void add_line(struct table *t, struct span line)
{
	struct span key, value;
	struct table_entry *en = &t->entry[t->entries];
	uint32_t *slot;

	if (t->form == TABLE_COLUMNS) {
		if (!column(line, t->key_column, t->delim, &key))
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
	slot = find_slot(t, key);
	/* The first line of a key counts, as makemap warns about and keeps it. */
	if (*slot)
		return;
	*en = (struct table_entry){(uint32_t)(key.ptr - t->data.ptr), (uint32_t)key.len,
				   (uint32_t)(value.ptr - t->data.ptr), (uint32_t)value.len};
	*slot = ++t->entries;
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

/* 0 outside of the file, which every caller takes for "nothing there". */
static uint32_t le32(const struct table *t, size_t pos)
{
	const unsigned char *p = (const unsigned char *)t->data.ptr + pos;

	if (pos > t->data.len || t->data.len - pos < 4)
		return 0;
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool cdb_record(const struct table *t, uint32_t pos, struct span key, struct span *value)
{
	uint32_t klen = le32(t, pos), vlen = le32(t, (size_t)pos + 4);
	/* As size_t: three numbers of 32 bits from the file may sum up to more. */
	size_t end = (size_t)pos + 8 + klen;

	if (klen != key.len || end > t->data.len || vlen > t->data.len - end)
		return false;
	if (!span_eq(at(t, pos + 8, klen), key))
		return false;
	*value = span_make(t->data.ptr + end, vlen);
	return true;
}

/* The low octet of the hash chooses the table, the rest the slot to start from. */
static bool cdb_find(const struct table *t, struct span key, struct span *value)
{
	uint32_t h = 5381, start, n, i;

	for (size_t k = 0; k < key.len; k++)
		h = (h * 33) ^ (unsigned char)key.ptr[k];
	if (t->data.len < CDB_HEADER)
		return false;
	start = le32(t, (h % CDB_TABLES) * 8);
	n = le32(t, (h % CDB_TABLES) * 8 + 4);
	if (n == 0 || start > t->data.len || n > (t->data.len - start) / 8)
		return false;
	i = (h >> 8) % n;
	for (uint32_t tries = 0; tries < n; tries++) {
		size_t slot = (size_t)start + (size_t)i * 8;
		uint32_t pos = le32(t, slot + 4);

		if (pos == 0)
			return false;
		if (le32(t, slot) == h && cdb_record(t, pos, key, value))
			return true;
		i = i + 1 == n ? 0 : i + 1;
	}
	return false;
}

bool table_find(const struct table *t, struct span key, struct span *value)
{
	const struct table_entry *en;
	uint32_t i;

	if (t->form == TABLE_CDB)
		return cdb_find(t, key, value);
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
