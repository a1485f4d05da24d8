/*
 * Alias files of any contents: every span lies inside of the text, lists end, and a data base
 * made of the entries has each of them; the text itself is also taken for a data base.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/aliases.h"
#include "format/cdb.h"
#include "format/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const char *text, size_t size, struct span s)
{
	demand(s.len == 0 || (s.ptr >= text && s.ptr + s.len <= text + size));
}

/* A command's words end in NUL each, and the first names no path. */
static void split(struct span command)
{
	char mem[256];
	struct buf b;
	struct err e;

	buf_init_fixed(&b, mem, sizeof mem);
	if (!command_split(command, &b, &e))
		return;
	demand(b.len > 1 && mem[b.len - 1] == '\0' && mem[0] && !strchr(mem, '/'));
}

static void take_apart(const char *text, size_t size, struct span list)
{
	struct aliases_target t;

	while (aliases_next(&list, &t)) {
		demand(t.text.len > 0);
		inside(text, size, t.text);
		inside(text, size, t.value);
		split(t.value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct aliases_reader r;
	struct aliases_entry en;
	enum aliases_event ev;
	struct cdb_writer w;
	struct span value, rest, list;
	struct buf out;

	if (!text)
		return 0;
	memcpy(text, data, size);
	cdb_find(span_make(text, size), SPAN("root"), &value);
	for (rest = span_make(text, size); aliases_next_list(&rest, &list);)
		take_apart(text, size, list);
	buf_init(&out, 1 << 24);
	cdb_writer_init(&w, &out);
	aliases_reader_init(&r, text, size);
	while ((ev = aliases_read(&r, &en)) != ALIASES_END) {
		if (ev == ALIASES_STRAY)
			continue;
		inside(text, size, en.left);
		inside(text, size, aliases_name(en.left));
		if (ev == ALIASES_NO_COLON)
			continue;
		inside(text, size, en.right);
		take_apart(text, size, en.right);
		cdb_add(&w, en.left, en.right);
	}
	demand(cdb_end(&w));
	memcpy(text, data, size);
	aliases_reader_init(&r, text, size);
	while ((ev = aliases_read(&r, &en)) != ALIASES_END)
		if (ev == ALIASES_ENTRY || ev == ALIASES_NO_VALUE)
			demand(cdb_find(buf_span(&out), en.left, &value));
	buf_free(&out);
	free(text);
	return 0;
}
