/*
 * Lines that others act on (H, P, Q, X), and what M, Q and X lines have in common; see
 * cf/cf_part.h.
 *
 * They are only looked at here, for sendmail's messages; whoever acts on one reads it again.
 */
#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

void cf_report_line(struct cf_eval *ev, const char *fmt, struct span line)
{
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];

		if ((c & 0xe0) == 0x80 && c != CF_LITERAL) {
			buf_putc(&b, '\001');
			c = (unsigned char)cf_op_char(c);
		}
		if (c && c != CF_LITERAL)
			buf_putc(&b, (char)(c & 0x7f));
	}
	line = buf_span(&b);
	cf_report(ev, "", fmt, (int)line.len, line.ptr);
}

int cf_equate(struct cf_eval *ev, const char *what, struct span name, struct span *line,
	      struct span *value)
{
	char code;

	if (!line->len)
		return 0;
	while (line->len && (line->ptr[0] == ',' || ascii_skip_space(*line).len < line->len))
		*line = span_skip(*line, 1);
	/* Only the first letter counts: "Path=" is "P=". */
	code = line->len ? line->ptr[0] : '\0';
	while (line->len && line->ptr[0] != '=' && line->ptr[0] != ',')
		*line = span_skip(*line, 1);
	if (!line->len || line->ptr[0] != '=') {
		cf_report(ev, "", "%s%.*s: `=' expected", what, SPAN_ARG(name));
		return -1;
	}
	*line = ascii_skip_space(span_skip(*line, 1));
	*value = cf_munch(ev->cf, line, ',');
	return code;
}

/* Q and X lines: a name, then equates of these letters. */
static bool check_equates(struct cf_eval *ev, char kind, struct span line, const char *letters)
{
	const char *what = kind == 'Q' ? "queue" : "mail filter";
	size_t n = 0;
	bool has_place = false;
	struct span name, v;
	int code;

	while (n < line.len && line.ptr[n] != ',' && !ascii_is_space(line.ptr[n]))
		n++;
	name = span_head(line, n);
	if (!n) {
		cf_report(ev, "", "name required for %s", what);
		return false;
	}
	line = span_skip(line, n + 1);
	while ((code = cf_equate(ev, kind == 'Q' ? "queue " : "X", name, &line, &v)) > 0) {
		if (kind == 'Q' && code == 'I')
			cf_check_time(ev, v);
		has_place |= code == (kind == 'Q' ? 'P' : 'S') && v.len;
		if (!strchr(letters, code))
			cf_report(ev, "", "%c%.*s: unknown %s equate %c=", kind, SPAN_ARG(name),
				  kind == 'Q' ? what : "filter", code);
	}
	if (code || has_place || (kind == 'Q' && cf_option_get(ev->cf, "QueueDirectory").len))
		return code == 0;
	if (kind == 'Q')
		cf_report(ev, "", "QueueDir must be defined before queue groups");
	else
		cf_report(ev, "", "X%.*s: empty or missing socket information", SPAN_ARG(name));
	return false;
}

/* "?conditions?name: value"; the name has no blank but in front of the colon. */
static bool is_header(struct span line)
{
	if (line.len && line.ptr[0] == '?') {
		line = span_skip(line, 1);
		line = span_skip(line, span_index(line, '?') + 1);
	}
	line = span_head(line, span_index(line, ':') == line.len ? 0 : span_index(line, ':'));
	line = span_trim(line);
	for (size_t i = 0; i < line.len; i++)
		if (ascii_is_space(line.ptr[i]))
			return false;
	return line.len > 0;
}

bool cf_line_check(struct cf_eval *ev, struct span line)
{
	struct span rest = span_skip(line, 1);

	switch (line.ptr[0]) {
	case 'H':
		if (!is_header(rest)) {
			/* sendmail has cut the line behind the flags by then. */
			if (rest.len && rest.ptr[0] == '?')
				rest.len = 1 + span_index(span_skip(rest, 1), '?');
			cf_report_line(ev, "header syntax error, line \"%.*s\"", rest);
			return false;
		}
		rest = span_trim(span_skip(rest, span_index(rest, ':') + 1));
		/* The ruleset may be defined later on. */
		if (rest.len && (unsigned char)rest.ptr[0] == CF_CALL)
			cf_ruleset_id(ev,
				      span_skip(rest, rest.len > 1 && rest.ptr[1] == '+' ? 2 : 1),
				      true, NULL);
		return true;
	case 'P':
		if (span_index(rest, '=') == rest.len)
			cf_report_line(ev, "unknown configuration line \"%.*s\"", line);
		return span_index(rest, '=') < rest.len;
	case 'Q':
		return check_equates(ev, 'Q', rest, "FPIJNRSr");
	case 'X':
		return check_equates(ev, 'X', rest, "SFT");
	default:
		return true;
	}
}
