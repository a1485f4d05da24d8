/*
 * The set of values; see cf/cfgen.h.
 *
 * Values are checked where they are set, so that nothing a value holds can end a rule or
 * start a line of the configuration.
 */
#include "cf/cfgen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/err.h"
#include "cf/cfgen_part.h"

void cfgen_init(struct cfgen *g, const struct cfgen_host *host)
{
	memset(g, 0, sizeof *g);
	arena_init(&g->mem, CFGEN_MEMORY_MAX);
	g->host = host;
	g->full = true;
}

void cfgen_free(struct cfgen *g)
{
	arena_free(&g->mem);
}

void cfgen_report(struct cfgen *g, bool error, const char *file, uint32_t line, uint32_t column,
		  const char *hint, const char *fmt, ...)
{
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_printable(text);
	g->errors += error;
	g->host->report(g->host->ctx,
			&(struct cfgen_message){error, file, line, column, text, hint});
}

static size_t row_of(const char *name)
{
	int i = cfgen_find(span_str(name));

	BUG_ON(i < 0);
	return i < 0 ? 0 : (size_t)i;
}

struct span cfgen_get(const struct cfgen *g, const char *name)
{
	size_t i = row_of(name);

	return g->value[i].text.ptr ? g->value[i].text : span_str(cfgen_variables[i].fallback);
}

void cfgen_derive(struct cfgen *g, const char *name, struct span text, const char *source)
{
	size_t i = row_of(name);

	/* Empty is a value; only without memory there is none, and then nothing comes out. */
	g->value[i].text = text.len ? arena_dup(&g->mem, text) : SPAN("");
	g->value[i].source = source;
	g->value[i].line = 0;
}

static bool is_separator(char c, bool lines)
{
	return c == '\n' || (!lines && (c == ' ' || c == '\t' || c == ','));
}

/* A backslash at the end of a line is what the line goes on by, and no part of a word. */
struct span cfgen_word(struct span *list, bool lines)
{
	struct span s = *list, word;
	size_t n = 0;

	while (s.len && (is_separator(s.ptr[0], lines) ||
			 (s.ptr[0] == '\\' && s.len > 1 && s.ptr[1] == '\n')))
		s = span_skip(s, 1);
	while (n < s.len && !is_separator(s.ptr[n], lines))
		n++;
	word = span_head(s, n);
	*list = span_skip(s, n);
	while (n < s.len && word.len && word.ptr[word.len - 1] == '\\')
		word.len--;
	return lines ? word : span_trim(word);
}

bool cfgen_is_one_of(struct span value, const char *choices)
{
	struct span rest = span_str(choices);

	while (rest.len)
		if (span_eq(value, span_cut(&rest, '|')))
			return true;
	return false;
}

/* What is wrong with a value of this kind, or NULL; *hint says what there may be. */
static const char *fault_of(const char *kind, struct span v, const char **hint)
{
	size_t digits = 0;

	*hint = "";
	for (size_t i = 0; i < v.len; i++) {
		if ((unsigned char)v.ptr[i] < 0x20 && v.ptr[i] != '\n' && v.ptr[i] != '\t')
			return "a control character";
		digits += ascii_is_digit(v.ptr[i]);
	}
	if (v.len > CFGEN_VALUE_MAX)
		return "too long";
	if (strcmp(kind, "*") == 0 || strcmp(kind, "|") == 0 || v.len == 0)
		return NULL;
	if (memchr(v.ptr, '\n', v.len))
		return "more than one line";
	if (kind[0] == '1' && memchr(v.ptr, ' ', v.len))
		return "more than one word";
	if (memchr(v.ptr, '\t', v.len))
		return "a tab";
	if (kind[0] == '#')
		return digits == v.len && v.len < 10 ? NULL : "not a number";
	*hint = strchr(kind, '|') ? kind : "";
	return **hint && !cfgen_is_one_of(v, kind) ? "not a value that it has" : NULL;
}

/*
 * X_RELAY for any X, and O_Name for any option, are collected: a line each, the newest first,
 * for the first rule that matches wins.
 */
static bool collect(struct cfgen *g, const char *list, struct span name, struct span key,
		    struct cfgen_value v)
{
	struct cfgen_extra *x = arena_alloc(&g->mem, sizeof *x);
	struct span value = v.text;
	struct buf b;
	const char *hint, *fault = fault_of("", value, &hint);

	if (fault) {
		cfgen_report(g, true, v.source, v.line, (uint32_t)name.len + 2, "", "%.*s is %s",
			     SPAN_ARG(name), fault);
		return false;
	}
	if (!x)
		return false;
	v.text = value.len ? arena_dup(&g->mem, value) : SPAN("");
	*x = (struct cfgen_extra){g->extra, arena_dup(&g->mem, name), v};
	g->extra = x;
	buf_init(&b, CFGEN_VALUE_MAX);
	buf_put(&b, key);
	buf_putc(&b, '=');
	buf_put(&b, value);
	buf_putc(&b, '\n');
	buf_put(&b, cfgen_get(g, list));
	cfgen_derive(g, list, buf_ok(&b) ? buf_span(&b) : SPAN(""), v.source);
	buf_free(&b);
	return true;
}

static bool unknown(struct cfgen *g, struct span name, struct span value, const char *source,
		    uint32_t line)
{
	const struct cfgen_value v = {value, source, line};
	const char *nearest;
	char hint[80] = "";

	if (span_ends(name, SPAN("_RELAY")) && name.len > 6)
		return collect(g, "relays", name, span_head(name, name.len - 6), v);
	if (span_starts(name, SPAN("O_")) && name.len > 2)
		return collect(g, "options", name, span_skip(name, 2), v);
	nearest = cfgen_nearest(name);
	if (nearest)
		snprintf(hint, sizeof hint, "did you mean %s?", nearest);
	cfgen_report(g, false, source, line, 1, hint, "unknown variable %.*s",
		     (int)(name.len < 60 ? name.len : 60), name.ptr);
	return true;
}

bool cfgen_set(struct cfgen *g, struct span name, struct span value, const char *source,
	       uint32_t line)
{
	int i = cfgen_find(span_eq(name, SPAN("SMART_HOST")) ? SPAN("DEFAULT_RELAY") : name);
	const char *fault, *hint;

	if (i < 0 || !cfgen_variables[i].help)
		return unknown(g, name, value, source, line);
	fault = fault_of(cfgen_variables[i].kind, value, &hint);
	if (fault) {
		cfgen_report(g, true, source, line, (uint32_t)name.len + 2, hint, "%s is %s",
			     cfgen_variables[i].name, fault);
		return false;
	}
	cfgen_derive(g, cfgen_variables[i].name, value, source);
	g->value[i].line = line;
	return arena_ok(&g->mem);
}
