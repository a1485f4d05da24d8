/*
 * newaliases: alias files are checked, counted and, where one is wanted, made into a
 * data base; see service/alias.h.  Texts and what counts as a mistake are sendmail's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "format/cdb.h"
#include "service/alias.h"
#include "sys/fs.h"

enum {
	FILE_MAX = 1 << 28,
	MODE = 0640, /* of the data base, as sendmail makes it */
	SAY_MAX = 512,
	SHOWN_MAX = 40, /* octets of a line shown in a message */
	FIRST_SLOTS = 1024,
	PATH_ROOM = 264, /* a path and ".cdb" */
};

struct name {
	struct span key, value;
};

/* One file's names, in order; slots hold a number and 1, and are at least half empty. */
struct names {
	struct arena mem;
	struct name *name;
	uint32_t *slot;
	uint32_t count, slots;
};

/* What is said about one file. */
struct job {
	struct alias_build *b;
	const char *path;
	struct names names;
	uint32_t line;
	uint64_t aliases, longest, octets;
};

static uint32_t *find(struct names *n, struct span key)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.ptr[i]) * 16777619u;
	h &= n->slots - 1;
	while (n->slot[h] && !span_eq(n->name[n->slot[h] - 1].key, key))
		h = (h + 1) & (n->slots - 1);
	return &n->slot[h];
}

static bool grow(struct names *n)
{
	uint32_t slots = n->slots ? n->slots * 2 : FIRST_SLOTS;
	struct name *name = realloc(n->name, slots / 2 * sizeof *name);
	uint32_t *slot = calloc(slots, sizeof *slot);

	if (name)
		n->name = name;
	if (!name || !slot) {
		free(slot);
		return false;
	}
	free(n->slot);
	n->slot = slot;
	n->slots = slots;
	for (uint32_t i = 0; i < n->count; i++)
		*find(n, n->name[i].key) = i + 1;
	return true;
}

static void say(struct job *j, bool mistake, const char *text)
{
	j->b->mistakes += mistake;
	j->b->say(j->b->ctx, j->path, j->line, text);
}

static void add(struct job *j, struct span left, struct span key, struct span value)
{
	struct names *n = &j->names;
	char text[SAY_MAX];
	uint32_t *slot;

	if (n->count >= n->slots / 2 && !grow(n)) {
		say(j, true, "out of memory");
		return;
	}
	slot = find(n, key);
	if (*slot) {
		snprintf(text, sizeof text, "%.*s... Warning: duplicate alias name %.*s",
			 SPAN_ARG(left), SPAN_ARG(key));
		say(j, false, text);
		n->name[*slot - 1].value = value;
	} else {
		n->name[n->count].key = arena_dup(&n->mem, key);
		n->name[n->count].value = value;
		*slot = ++n->count;
	}
	j->aliases++;
	j->octets += key.len + value.len;
	if (value.len > j->longest)
		j->longest = value.len;
}

static void entry(struct job *j, enum aliases_event ev, const struct aliases_entry *en)
{
	char mem[SAY_MAX], text[SAY_MAX];
	struct span left = span_trim(en->left);
	struct buf key;

	buf_init_fixed(&key, mem, sizeof mem);
	if (!j->b->name(j->b->ctx, j->path, j->line, en, &key)) {
		j->b->mistakes++;
		return;
	}
	if (ev == ALIASES_NO_VALUE) {
		snprintf(text, sizeof text, "%.*s:... missing value for alias",
			 left.len < SHOWN_MAX ? (int)left.len : SHOWN_MAX, left.ptr);
		say(j, true, text);
		return;
	}
	if (buf_ok(&key))
		add(j, left, buf_span(&key), en->right);
}

static void read_all(struct job *j, struct buf *file)
{
	enum aliases_event ev;
	struct aliases_reader r;
	struct aliases_entry en;

	aliases_reader_init(&r, file->ptr, file->len);
	while ((ev = aliases_read(&r, &en)) != ALIASES_END) {
		j->line = r.line;
		if (ev == ALIASES_NO_COLON)
			say(j, true, "missing colon");
		else if (ev == ALIASES_STRAY)
			say(j, true, "Non-continuation line starts with space");
		else
			entry(j, ev, &en);
	}
	j->line = 0;
}

static bool has_cdb(const struct alias_file *f, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s.cdb", f->path);
	return f->cdb || access(path, F_OK) == 0;
}

static void write_cdb(struct job *j, const char *path)
{
	struct cdb_writer w;
	struct buf out;
	struct err e;
	bool ok;

	buf_init(&out, FILE_MAX);
	cdb_writer_init(&w, &out);
	for (uint32_t i = 0; i < j->names.count; i++)
		cdb_add(&w, j->names.name[i].key, span_trim(j->names.name[i].value));
	ok = cdb_end(&w);
	if (!ok)
		say(j, true, "cannot make the data base: too large");
	else if (!fs_replace(AT_FDCWD, path, MODE, buf_span(&out), &e))
		say(j, true, e.text);
	buf_free(&out);
}

static void rebuild(struct alias_file *f, struct alias_build *b)
{
	struct job j = {.b = b, .path = f->path};
	struct err e = {.sys = 0};
	char text[SAY_MAX], path[PATH_ROOM];
	struct buf file;

	buf_init(&file, FILE_MAX);
	if (!fs_read_all(AT_FDCWD, f->path, FS_FOLLOW, &file, &e)) {
		buf_free(&file);
		if (f->optional && e.sys == ENOENT)
			return;
		snprintf(text, sizeof text, "%s: cannot open %s: %s", b->program, f->path,
			 strerror(e.sys ? e.sys : EIO));
		b->say(b->ctx, NULL, 0, text);
		return;
	}
	arena_init(&j.names.mem, FILE_MAX);
	read_all(&j, &file);
	snprintf(text, sizeof text, "%llu aliases, longest %llu bytes, %llu bytes total",
		 (unsigned long long)j.aliases, (unsigned long long)j.longest,
		 (unsigned long long)j.octets);
	if (has_cdb(f, path))
		write_cdb(&j, path);
	say(&j, false, text);
	arena_free(&j.names.mem);
	free(j.names.name);
	free(j.names.slot);
	buf_free(&file);
}

void alias_rebuild(struct alias *a, struct alias_build *b)
{
	for (int i = 0; i < a->files; i++)
		if (!a->file[i]->plain)
			rebuild(a->file[i], b);
}
