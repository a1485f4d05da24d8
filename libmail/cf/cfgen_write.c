/*
 * The template's interpreter; see cf/cfgen_part.h.
 *
 * One pass over the lines, recursive only for ~? and ~*: what is skipped is read all the
 * same, so that the blocks inside it are counted.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cfgen_part.h"

enum { DEPTH_MAX = 8 };

struct writer {
	struct cfgen *g;
	struct buf *out;
	struct span rest; /* of the template */
	int depth;
};

/* A digit names a part of the list's item, a name a variable. */
static struct span value_of(const struct cfgen *g, struct span name)
{
	char text[40];

	if (name.len == 1 && name.ptr[0] >= '0' && name.ptr[0] <= '5')
		return g->field[name.ptr[0] - '0'];
	BUG_ON(!span_to_cstr(name, text, sizeof text));
	return cfgen_get(g, text);
}

static bool holds(const struct cfgen *g, struct span cond)
{
	bool inverted = cond.len && cond.ptr[0] == '!';
	struct span name, value, choice;
	bool equal;

	if (inverted)
		cond = span_skip(cond, 1);
	equal = span_index(cond, '=') < cond.len;
	name = span_cut(&cond, '=');
	value = value_of(g, name);
	if (!equal)
		return (value.len && !span_eq(value, SPAN("no")) &&
			!span_eq(value, SPAN("none"))) != inverted;
	do {
		choice = span_cut(&cond, '|');
		if (span_eq(value, choice))
			return !inverted;
	} while (cond.len);
	return inverted;
}

/*
 * "smtp:[gw]" and "[gw]" as a rule's right side begins: $#smtp $@ [gw]. A colon inside of
 * brackets belongs to an IPv6 address.
 */
static void put_relay(struct buf *out, struct span value)
{
	size_t colon = span_index(value, ':');
	struct span mailer = SPAN("smtp");

	if (colon < value.len && colon < span_index(value, '[')) {
		mailer = span_head(value, colon);
		value = span_skip(value, colon + 1);
	}
	buf_puts(out, "$#");
	buf_put(out, mailer);
	if (value.len) {
		buf_puts(out, " $@ ");
		buf_put(out, value);
	}
}

/*
 * Lines that a value goes on with must not become lines of their own: a blank before them
 * makes them continuations, as in the file.
 */
static void put_value(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		bool more = i + 1 < value.len;

		if (value.ptr[i] == '\\' && more && value.ptr[i + 1] == '\n')
			continue;
		buf_putc(out, value.ptr[i]);
		if (value.ptr[i] == '\n' && more && !ascii_is_blank(value.ptr[i + 1]))
			buf_putc(out, '\t');
	}
}

static void put_line(const struct cfgen *g, struct span line, struct buf *out)
{
	while (line.len) {
		struct span name, text = span_cut(&line, '%');
		size_t n = 0;
		bool relay;

		buf_put(out, text);
		if (line.len == 0)
			break;
		relay = line.ptr[0] == '>';
		name = span_skip(line, relay);
		while (n < name.len && (ascii_is_alnum(name.ptr[n]) || name.ptr[n] == '_'))
			n++;
		if (n == 0 || n == name.len || name.ptr[n] != '%') {
			buf_putc(out, '%');
			continue;
		}
		line = span_skip(name, n + 1);
		if (relay)
			put_relay(out, value_of(g, span_head(name, n)));
		else
			put_value(out, value_of(g, span_head(name, n)));
	}
	buf_putc(out, '\n');
}

/* The parts of "a=b:c:d": all of it, a, "b:c:d", b, c, d. */
static void split_item(struct cfgen *g, struct span item)
{
	struct span *f = g->field, tail;

	f[0] = item;
	f[1] = span_cut(&item, '=');
	f[2] = tail = item;
	f[3] = span_cut(&tail, ':');
	f[4] = span_cut(&tail, ':');
	f[5] = tail;
}

/* Lines up to the end of the block; outer: are lines around it written? */
static void run(struct writer *w, bool outer, bool emit)
{
	BUG_ON(++w->depth > DEPTH_MAX);
	while (w->rest.len) {
		struct span line = span_cut(&w->rest, '\n'), list, item, body;
		bool lines;

		if (line.len < 2 || line.ptr[0] != '~') {
			if (emit)
				put_line(w->g, line, w->out);
			continue;
		}
		if (line.ptr[1] == '.')
			break;
		if (line.ptr[1] == ':') {
			emit = outer && !emit;
			continue;
		}
		line = span_skip(line, 1);
		if (line.ptr[0] == '?') {
			run(w, emit, emit && holds(w->g, span_skip(line, 1)));
			continue;
		}
		body = w->rest;
		run(w, false, false);
		if (!emit)
			continue;
		line = span_skip(line, 1);
		list = value_of(w->g, line);
		lines = cfgen_variables[cfgen_find(line)].kind[0] == '|';
		for (struct span after = w->rest; (item = cfgen_word(&list, lines)).len;
		     w->rest = after) {
			split_item(w->g, item);
			w->rest = body;
			run(w, true, true);
		}
	}
	w->depth--;
}

bool cfgen_write(struct cfgen *g, struct buf *out)
{
	struct writer w = {g, out, span_str(cfgen_head), 0};

	if (!cfgen_prepare(g))
		return false;
	run(&w, true, true);
	w.rest = span_str(cfgen_rules);
	run(&w, true, true);
	buf_put(out, cfgen_get(g, "append"));
	if (arena_ok(&g->mem) && buf_ok(out))
		return g->errors == 0;
	cfgen_report(g, true, NULL, 0, 0, "", "the configuration becomes too large");
	return false;
}
