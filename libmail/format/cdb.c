/*
 * Constant data bases; see format/cdb.h.
 *
 * The low octet of a key's hash chooses the table, the rest the slot to start from;
 * tables are twice as large as their records need, so a search ends soon.
 */
#include "format/cdb.h"

#include <stdlib.h>
#include <string.h>

enum { TABLES = 256, HEAD = TABLES * 8, FIRST_ROOM = 256 };

static uint32_t hash_of(struct span key)
{
	uint32_t h = 5381;

	for (size_t i = 0; i < key.len; i++)
		h = (h * 33) ^ (unsigned char)key.ptr[i];
	return h;
}

/* 0 outside of the file, which every caller takes for "nothing there". */
static uint32_t le32(struct span f, size_t pos)
{
	const unsigned char *p = (const unsigned char *)f.ptr + pos;

	if (pos > f.len || f.len - pos < 4)
		return 0;
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool record(struct span f, uint32_t pos, struct span key, struct span *value)
{
	uint32_t klen = le32(f, pos), vlen = le32(f, (size_t)pos + 4);
	/* As size_t: three numbers of 32 bits from the file may sum up to more. */
	size_t end = (size_t)pos + 8 + klen;

	if (klen != key.len || end > f.len || vlen > f.len - end)
		return false;
	if (!span_eq(span_make(f.ptr + pos + 8, klen), key))
		return false;
	*value = span_make(f.ptr + end, vlen);
	return true;
}

bool cdb_find(struct span f, struct span key, struct span *value)
{
	uint32_t h = hash_of(key), start, n, i;

	if (f.len < HEAD)
		return false;
	start = le32(f, (h % TABLES) * 8);
	n = le32(f, (h % TABLES) * 8 + 4);
	if (n == 0 || start > f.len || n > (f.len - start) / 8)
		return false;
	i = (h >> 8) % n;
	for (uint32_t tries = 0; tries < n; tries++) {
		size_t slot = (size_t)start + (size_t)i * 8;
		uint32_t pos = le32(f, slot + 4);

		if (pos == 0)
			return false;
		if (le32(f, slot) == h && record(f, pos, key, value))
			return true;
		i = i + 1 == n ? 0 : i + 1;
	}
	return false;
}

static void store32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i);
}

static void put32(struct buf *b, uint32_t v)
{
	char *p = buf_reserve(b, 4);

	if (p) {
		store32(p, v);
		b->len += 4;
	}
}

void cdb_writer_init(struct cdb_writer *w, struct buf *out)
{
	char *head = buf_reserve(out, HEAD);

	*w = (struct cdb_writer){.out = out};
	if (head) {
		memset(head, 0, HEAD);
		out->len += HEAD;
	}
}

void cdb_add(struct cdb_writer *w, struct span key, struct span value)
{
	if (w->count == w->room) {
		uint32_t room = w->room ? w->room * 2 : FIRST_ROOM;
		struct cdb_slot *s = realloc(w->slot, room * sizeof *s);

		if (!s) {
			w->out->overflow = true;
			return;
		}
		w->slot = s;
		w->room = room;
	}
	w->slot[w->count++] = (struct cdb_slot){hash_of(key), (uint32_t)w->out->len};
	put32(w->out, (uint32_t)key.len);
	put32(w->out, (uint32_t)value.len);
	buf_put(w->out, key);
	buf_put(w->out, value);
}

/* One of the hash tables: its place goes into the file's head. */
static void put_table(struct cdb_writer *w, uint32_t number, uint32_t n)
{
	size_t start = w->out->len, octets = (size_t)n * 16;
	char *t = buf_reserve(w->out, octets);

	if (!t || n == 0)
		return;
	memset(t, 0, octets);
	w->out->len += octets;
	store32(w->out->ptr + (size_t)number * 8, (uint32_t)start);
	store32(w->out->ptr + (size_t)number * 8 + 4, n * 2);
	for (uint32_t i = 0; i < w->count; i++) {
		uint32_t at = (w->slot[i].hash >> 8) % (n * 2);

		if (w->slot[i].hash % TABLES != number)
			continue;
		/* A slot is empty while its place in the file is 0. */
		while (t[at * 8 + 4] || t[at * 8 + 5] || t[at * 8 + 6] || t[at * 8 + 7])
			at = at + 1 == n * 2 ? 0 : at + 1;
		store32(t + at * 8, w->slot[i].hash);
		store32(t + at * 8 + 4, w->slot[i].pos);
	}
}

static int by_table(const void *a, const void *b)
{
	const struct cdb_slot *x = a, *y = b;
	int d = (int)(x->hash % TABLES) - (int)(y->hash % TABLES);

	return d ? d : x->pos < y->pos ? -1 : x->pos > y->pos;
}

bool cdb_end(struct cdb_writer *w)
{
	struct cdb_slot *all = w->slot;
	uint32_t left = all ? w->count : 0;

	if (all)
		qsort(all, left, sizeof *all, by_table);
	for (uint32_t number = 0; number < TABLES; number++) {
		uint32_t n = 0;

		while (n < left && w->slot[n].hash % TABLES == number)
			n++;
		w->count = n;
		put_table(w, number, n);
		/* With no key at all there are no slots. */
		if (n)
			w->slot += n;
		left -= n;
	}
	free(all);
	w->slot = NULL;
	w->count = w->room = 0;
	return buf_ok(w->out);
}
