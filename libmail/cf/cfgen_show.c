/*
 * What there is and what counts: the standard definition files and --explain; see cf/cfgen.h.
 */
#include "cf/cfgen_part.h"

static const struct {
	const char *name, *type, *title;
} standards[] = {
    {"sendmail-v10.def", "R8V10", "for sendmail 8.12 and up, and for letterbox"},
    {"sendmail-v8.def", "R8V8", "for sendmail 8.9 and up"},
    {"sendmail-v7.def", "R8V7", "for sendmail 8.8"},
    {"sendmail-v6.def", "R8V6", "for sendmail 8.7"},
    {"null-v10.def", "R8V10-null", "for a host that sends all mail to another"},
    {"smtpcheck-v8.def", "R8V8-check", "rules to append to a sendmail.cf that lacks them"},
};

enum { STANDARDS = sizeof standards / sizeof standards[0] };

/* In single quotes when a shell would read it otherwise; a quote inside becomes '\''. */
static void put_quoted(struct span v, struct buf *out)
{
	bool plain = true;

	for (size_t i = 0; i < v.len; i++)
		plain = plain && memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789._/:@%+,-",
					v.ptr[i], 71);
	buf_puts(out, plain ? "" : "'");
	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == '\'')
			buf_puts(out, "'\\'");
		buf_putc(out, v.ptr[i]);
	}
	buf_puts(out, plain ? "" : "'");
}

void cfgen_assign(struct span name, struct span value, struct buf *out)
{
	buf_put(out, name);
	buf_putc(out, '=');
	put_quoted(value, out);
	buf_putc(out, '\n');
}

/* Choices are shown, for they are what a value may be. */
static void put_row(const struct cfgen_variable *v, struct buf *out)
{
	if (!*v->name) {
		buf_printf(out, "\n# [%s]\n", v->help);
		return;
	}
	buf_printf(out, "\n# %s%s%s\n", v->help, strchr(v->kind, '|') && v->kind[1] ? ": " : "",
		   strchr(v->kind, '|') && v->kind[1] ? v->kind : "");
	buf_putc(out, '#');
	cfgen_assign(span_str(v->name), span_str(v->fallback), out);
}

bool cfgen_standard(struct span name, struct buf *out)
{
	size_t i = 0;

	while (i < STANDARDS && !span_eq(name, span_str(standards[i].name)))
		i++;
	if (i == STANDARDS) {
		for (i = 0; i < STANDARDS; i++)
			buf_printf(out, "%s: %s\n", standards[i].name, standards[i].title);
		return false;
	}
	buf_printf(out,
		   "# %s: %s.\n# A line with one # shows a default; take the # away to change it. "
		   "cfgen(8) says more.\n\nCF_TYPE=%s\n",
		   standards[i].name, standards[i].title, standards[i].type);
	for (const struct cfgen_variable *v = cfgen_variables; v->name; v++)
		if (v->help && strcmp(v->name, "CF_TYPE") != 0)
			put_row(v, out);
	return true;
}

static void explain(struct span name, struct span text, const struct cfgen_value *v,
		    struct buf *out)
{
	buf_put(out, name);
	buf_putc(out, '=');
	if (span_eq(name, SPAN("RELAY_PASSWORD")) && text.len)
		buf_puts(out, "(not shown)");
	else
		put_quoted(text, out);
	buf_printf(out, "\t# %s", v->text.ptr && v->source ? v->source : "default");
	if (v->line)
		buf_printf(out, ":%u", (unsigned)v->line);
	buf_putc(out, '\n');
}

void cfgen_explain(const struct cfgen *g, struct buf *out)
{
	for (int i = 0; cfgen_variables[i].name; i++)
		if (*cfgen_variables[i].name && cfgen_variables[i].help)
			explain(span_str(cfgen_variables[i].name),
				cfgen_get(g, cfgen_variables[i].name), &g->value[i], out);
	for (const struct cfgen_extra *x = g->extra; x; x = x->next)
		explain(x->name, x->value.text, &x->value, out);
}
