/*
 * The reader of definition files: Bourne-shell assignments, without a shell; see cf/cfgen.h.
 *
 * Whatever a shell would run, expand or split is refused, never guessed at: a value that
 * means something else here than there is worse than an error.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cfgen_part.h"

struct def {
	struct cfgen *g;
	const char *file;
	struct span text;
	size_t at;
	uint32_t line;
	size_t start;     /* of the line */
	struct buf value; /* of the assignment at hand */
};

static int peek(const struct def *d, size_t ahead)
{
	return d->at + ahead < d->text.len ? (unsigned char)d->text.ptr[d->at + ahead] : -1;
}

static void step(struct def *d)
{
	if (peek(d, 0) == '\n') {
		d->line++;
		d->start = d->at + 1;
	}
	d->at++;
}

static bool fault(struct def *d, const char *text, const char *hint)
{
	cfgen_report(d->g, true, d->file, d->line, (uint32_t)(d->at - d->start + 1), hint, "%s",
		     text);
	return false;
}

/* U+2018 to U+201F, in UTF-8: the quotes that web pages and word processors make. */
static bool is_curly(const struct def *d)
{
	return peek(d, 0) == 0xe2 && peek(d, 1) == 0x80 && peek(d, 2) >= 0x98 && peek(d, 2) <= 0x9f;
}

/* What is refused inside of double quotes as outside of any. */
static bool is_plain(struct def *d)
{
	switch (peek(d, 0)) {
	case '`':
		return fault(d, "command substitution is not done here",
			     "run the command yourself and write what it prints");
	case '$':
		if (peek(d, 1) == '(')
			return fault(d, "command substitution is not done here",
				     "run the command yourself and write what it prints");
		return fault(d, "a shell would expand this $",
			     "put the value into single quotes, or write \\$");
	default:
		return true;
	}
}

static bool single_quoted(struct def *d)
{
	struct def open = *d;

	for (step(d); peek(d, 0) != '\''; step(d)) {
		bool ends = peek(d, 0) == '\n' && d->text.ptr[d->at - 1] != '\\';

		if (peek(d, 0) < 0 || ends)
			return fault(&open, "the quote is not closed in its line",
				     "a value goes on behind a \\ at the end of the line");
		buf_putc(&d->value, (char)peek(d, 0));
	}
	step(d);
	return true;
}

/* In double quotes a backslash counts before $ ` " \ and a line's end only. */
static bool double_quoted(struct def *d)
{
	struct def open = *d;

	for (step(d); peek(d, 0) != '"'; step(d)) {
		int c = peek(d, 0), next = peek(d, 1);

		if (c < 0 || c == '\n')
			return fault(&open, "the quote is not closed in its line",
				     "a value goes on behind \\\\ at the end of the line");
		if (c != '\\') {
			if (!is_plain(d))
				return false;
			buf_putc(&d->value, (char)c);
			continue;
		}
		if (next == '\\' || next == '$' || next == '`' || next == '"') {
			step(d);
			buf_putc(&d->value, (char)next);
			if (next == '\\' && peek(d, 1) == '\n') {
				step(d);
				buf_putc(&d->value, '\n');
			}
		} else if (next == '\n') {
			step(d);
		} else {
			buf_putc(&d->value, '\\');
		}
	}
	step(d);
	return true;
}

/* A piece without quotes: what the shell would treat in its own way is refused. */
static bool bare(struct def *d)
{
	int c = peek(d, 0);

	if (is_curly(d))
		return fault(d, "this is a typographic quote (pasted from a web page?)",
			     "write ' or \"");
	if (!is_plain(d))
		return false;
	if (c == '\\') {
		step(d);
		if (peek(d, 0) < 0)
			return fault(d, "nothing stands behind the \\", "");
		if (peek(d, 0) != '\n')
			buf_putc(&d->value, (char)peek(d, 0));
		step(d);
		return true;
	}
	if (memchr(";&|<>()~", c, 8))
		return fault(d, "a shell would not take this character as it is",
			     "put the value into single quotes");
	if (c == '\r')
		return fault(d, "the line ends in CR LF", "end lines in LF: tr -d '\\r'");
	if (c < 0x20 || c > 0x7e)
		return fault(d, "a character that is not ASCII outside of quotes", "");
	buf_putc(&d->value, (char)c);
	step(d);
	return true;
}

static bool blank(int c)
{
	return c == ' ' || c == '\t';
}

/* To the end of the line, where nothing but a comment may be. */
static bool rest_of_line(struct def *d)
{
	while (blank(peek(d, 0)))
		step(d);
	if (peek(d, 0) == '#')
		while (peek(d, 0) >= 0 && peek(d, 0) != '\n')
			step(d);
	if (is_curly(d))
		return bare(d);
	if (peek(d, 0) == '=')
		return fault(d, "there must be no blank around the =", "write NAME=value");
	if (peek(d, 0) == '\r')
		return bare(d);
	if (peek(d, 0) >= 0 && peek(d, 0) != '\n')
		return fault(d, "the value ended at the blank before this",
			     "put a value that has blanks into quotes");
	if (peek(d, 0) == '\n')
		step(d);
	return true;
}

static bool value(struct def *d)
{
	buf_reset(&d->value);
	while (peek(d, 0) >= 0 && peek(d, 0) != '\n' && !blank(peek(d, 0))) {
		bool ok = peek(d, 0) == '\''  ? single_quoted(d)
			  : peek(d, 0) == '"' ? double_quoted(d)
					      : bare(d);

		if (!ok)
			return false;
	}
	return true;
}

static bool no_assignment(struct def *d)
{
	size_t ahead = 0;

	while (blank(peek(d, ahead)))
		ahead++;
	if (ahead && peek(d, ahead) == '=')
		return fault(d, "there must be no blank around the =", "write NAME=value");
	if (is_curly(d))
		return bare(d);
	return is_plain(d) && fault(d, "this is no assignment",
				    "lines are NAME=value or # comments; commands "
				    "are not run, and no other file is read");
}

static bool assignment(struct def *d)
{
	size_t first = d->at;
	uint32_t line = d->line;
	struct span name;
	struct def at;

	while (ascii_is_alnum((char)peek(d, 0)) || peek(d, 0) == '_')
		step(d);
	name = span_make(d->text.ptr + first, d->at - first);
	if (peek(d, 0) != '=' || name.len == 0 || ascii_is_digit(name.ptr[0]))
		return no_assignment(d);
	step(d);
	at = *d;
	if (!value(d) || !rest_of_line(d))
		return false;
	if (!buf_ok(&d->value))
		return fault(&at, "the value is too long", "");
	return cfgen_set(d->g, name, buf_span(&d->value), d->file, line);
}

/* All faults of a file are worth one run: reading goes on behind the line. */
bool cfgen_parse(struct cfgen *g, struct span text, const char *file)
{
	struct def d = {.g = g, .file = file, .text = text, .line = 1};
	bool ok = true;

	buf_init(&d.value, CFGEN_VALUE_MAX);
	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		d.at = d.start = 3;
	while (peek(&d, 0) >= 0) {
		if (blank(peek(&d, 0)) || peek(&d, 0) == '\n') {
			step(&d);
			continue;
		}
		if (peek(&d, 0) == '#' ? rest_of_line(&d) : assignment(&d))
			continue;
		ok = false;
		while (peek(&d, 0) >= 0 && peek(&d, 0) != '\n')
			step(&d);
	}
	buf_free(&d.value);
	return ok;
}
