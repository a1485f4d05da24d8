/*
 * F lines: classes filled from files, with sendmail's scanf patterns; see cf/cf.h.
 *
 * The file itself is read by the host.  A pattern is a small scanf: literal
 * octets, white space, and one conversion %s, %[set] or %Nc.
 */
#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

enum { FILE_MAX = 16 << 20 };

/* Is c in the scanf set at the start of f (behind "[")?  *len is the set with its "]". */
static bool in_set(struct span f, char c, size_t *len)
{
	bool negated = f.len && f.ptr[0] == '^', found = false;
	size_t i = negated;

	for (bool first = true; i < f.len && (first || f.ptr[i] != ']'); i++, first = false) {
		if (i + 2 < f.len && f.ptr[i + 1] == '-' && f.ptr[i + 2] != ']') {
			found |= c >= f.ptr[i] && c <= f.ptr[i + 2];
			i += 2;
		} else {
			found |= c == f.ptr[i];
		}
	}
	*len = i + 1;
	return found != negated;
}

/* What a conversion takes from s; *used is its length in the format. */
static size_t convert(struct span f, struct span s, size_t *used)
{
	/* No width is 0: as many as there are. */
	size_t width = 0, n = 0, at = 0, set = 0;

	while (at < f.len && ascii_is_digit(f.ptr[at]) && width < CF_LINE)
		width = width * 10 + (size_t)(f.ptr[at++] - '0');
	if (at < f.len && f.ptr[at] == '[')
		in_set(span_skip(f, at + 1), '\0', &set);
	*used = at + 1 + set;
	if (at == f.len)
		return 0;
	/* Only %c may take one octet of anything, blanks included. */
	if (f.ptr[at] == 'c' && width == 0)
		width = 1;
	for (; n < s.len && (width == 0 || n < width); n++) {
		if (f.ptr[at] == 's' && ascii_is_space(s.ptr[n]))
			break;
		if (f.ptr[at] == '[' && !in_set(span_skip(f, at + 1), s.ptr[n], &set))
			break;
	}
	return n;
}

/* sscanf with one result. */
static bool scan_line(struct span f, struct span s, struct span *out)
{
	while (f.len) {
		size_t used, n;
		bool drop;

		if (ascii_is_space(f.ptr[0])) {
			s = ascii_skip_space(s);
			f = span_skip(f, 1);
			continue;
		}
		/* Literal octets must be there. */
		if (f.ptr[0] != '%' || f.len == 1) {
			if (s.len == 0 || s.ptr[0] != f.ptr[0])
				return false;
			s = span_skip(s, 1);
			f = span_skip(f, 1);
			continue;
		}
		drop = f.ptr[1] == '*';
		f = span_skip(f, drop ? 2 : 1);
		if (f.len == 0)
			return false;
		/* As in scanf: %s skips leading blanks, %[ and %c do not. */
		if (!memchr(f.ptr, '[', f.len) && f.ptr[0] != 'c')
			s = ascii_skip_space(s);
		n = convert(f, s, &used);
		if (n == 0)
			return false;
		/* The first conversion that is kept is the result; %*s before it skips a column. */
		*out = span_head(s, n);
		if (!drop)
			return true;
		s = span_skip(s, n);
		f = span_skip(f, used);
	}
	return false;
}

static void add_words(struct cf_eval *ev, int id, struct span text)
{
	struct span w;

	for (w = ascii_cut_word(&text); w.len; w = ascii_cut_word(&text))
		cf_class_add(ev->cf, id, w);
}

/* F{x}key@class:spec: the words of one map entry. */
static void from_map(struct cf_eval *ev, int id, struct span key, struct span spec)
{
	char mem[CF_LINE];
	struct cf_map *m;
	struct buf b, v;
	int status = 0;

	/*
	 * The map is declared under one name and redeclared by the next such line, since
	 * it is used once, while reading.
	 */
	buf_init(&b, CF_LINE);
	buf_puts(&b, "class.file ");
	buf_put(&b, span_cut(&spec, ':'));
	buf_putc(&b, ' ');
	buf_put(&b, spec);
	cf_map_add(ev, buf_span(&b));
	m = cf_map_find(ev->cf, SPAN("class.file"));
	buf_init_fixed(&v, mem, sizeof mem);
	if (m && cf_map_lookup(ev, m, key, NULL, &v, &status))
		add_words(ev, id, buf_span(&v));
	else
		cf_report(ev, "", "fileclass: F{%.*s}: map lookup failed", SPAN_ARG(key));
	buf_free(&b);
}

void cf_class_file(struct cf_eval *ev, int id, struct span text)
{
	struct span path, fmt, at;
	bool optional = false;
	struct buf b;
	int sys;

	/* -o: a file that is missing is as good as an empty one; any other error is told. */
	text = ascii_skip_space(text);
	if (span_starts(text, SPAN("-o"))) {
		optional = true;
		ascii_cut_word(&text);
	}
	text = ascii_skip_space(text);
	if (text.len == 0) {
		cf_report(ev, "", "fileclass: missing file name");
		return;
	}
	/*
	 * "key@class:spec" asks a map; a path starts with "/" and a program with "|",
	 * which may hold "@".
	 */
	at = text;
	path = span_cut(&at, '@');
	if (at.len && text.ptr[0] != '/' && text.ptr[0] != '|' && span_index(at, ':') < at.len) {
		from_map(ev, id, path, at);
		return;
	}
	/* What a program is started with is its own business, blanks included. */
	if (text.ptr[0] == '|') {
		path = text;
		text.len = 0;
	} else if (text.ptr[0] == '"') {
		text = span_skip(text, 1);
		path = span_cut(&text, '"');
	} else {
		path = ascii_cut_word(&text);
	}
	fmt = ascii_skip_space(text);
	if (fmt.len == 0)
		fmt = SPAN("%s");
	/* A bound on what one file may add: the configuration's arena would catch it, but later. */
	buf_init(&b, FILE_MAX);
	sys = ev->host->read_file ? ev->host->read_file(ev->host->ctx, path, &b) : ENOENT;
	if (sys && !(optional && sys == ENOENT))
		cf_report(ev, "", "fileclass: cannot open '%.*s': %s", SPAN_ARG(path),
			  strerror(sys));
	for (struct span rest = buf_span(&b); sys == 0 && rest.len;) {
		struct span line = span_cut(&rest, '\n');

		if (line.len && line.ptr[0] == '#')
			continue;
		if (!scan_line(fmt, line, &line))
			continue;
		add_words(ev, id, line);
	}
	buf_free(&b);
}
