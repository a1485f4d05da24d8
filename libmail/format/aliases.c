/*
 * Alias files; see format/aliases.h and aliases(5) of sendmail.
 *
 * Must not interpret addresses: what a target means is for the rulesets to say.  The
 * kinds told apart here are those that no address can have.
 */
#include "format/aliases.h"

#include "base/ascii.h"

void aliases_reader_init(struct aliases_reader *r, char *text, size_t len)
{
	*r = (struct aliases_reader){.text = text, .len = len};
}

/*
 * Moves one line to the place behind what is joined already: to.  True when a backslash
 * at its end asks for the next one.
 */
static bool take_line(struct aliases_reader *r, size_t *to)
{
	size_t n = span_index(span_make(r->text + r->at, r->len - r->at), '\n');
	bool more = n && r->at + n < r->len && r->text[r->at + n - 1] == '\\';

	memmove(r->text + *to, r->text + r->at, n);
	*to += n - more;
	r->at += n + 1 < r->len - r->at ? n + 1 : r->len - r->at;
	r->line++;
	return more && r->at < r->len;
}

/* A whole entry: blanks at the start of the next line count only behind a colon. */
static struct span take_entry(struct aliases_reader *r)
{
	size_t start = r->at, to = start;
	bool colon;

	while (take_line(r, &to))
		;
	colon = memchr(r->text + start, ':', to - start) != NULL;
	while (colon && r->at < r->len && ascii_is_blank(r->text[r->at]))
		take_line(r, &to);
	return span_make(r->text + start, to - start);
}

enum aliases_event aliases_read(struct aliases_reader *r, struct aliases_entry *out)
{
	while (r->at < r->len) {
		char first = r->text[r->at];
		size_t to = r->at;
		struct span s;

		if (first == '#' || first == '\n') {
			take_line(r, &to);
			r->skipping = first == '#';
			continue;
		}
		if (ascii_is_blank(first)) {
			bool known = r->skipping;

			take_line(r, &to);
			r->skipping = true;
			if (known)
				continue;
			return ALIASES_STRAY;
		}
		r->skipping = false;
		s = take_entry(r);
		out->left = span_head(s, span_index(s, ':'));
		out->right = ascii_skip_space(span_skip(s, out->left.len + 1));
		if (out->left.len == s.len)
			return ALIASES_NO_COLON;
		return out->right.len ? ALIASES_ENTRY : ALIASES_NO_VALUE;
	}
	return ALIASES_END;
}

struct span aliases_name(struct span left)
{
	struct span s = ascii_trim_space(ascii_skip_space(left)), in;

	if (s.len < 3 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
		return s;
	in = span_head(span_skip(s, 1), s.len - 2);
	for (size_t i = 0; i < in.len; i++)
		if (!ascii_is_alnum(in.ptr[i]) && !memchr("._+-=", in.ptr[i], 5))
			return s;
	return in;
}

struct span aliases_cut(struct span *list, char delim)
{
	struct span s = *list = ascii_skip_space(*list);
	int comments = 0, angles = 0;
	bool quoted = false;
	size_t i = 0;

	for (; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\' && i + 1 < s.len)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '(')
			comments++;
		else if (c == ')' && comments)
			comments--;
		else if (c == '<' && !comments)
			angles++;
		else if (c == '>' && !comments && angles)
			angles--;
		else if (c == delim && !comments && !angles)
			break;
	}
	*list = span_skip(s, i + 1);
	return ascii_trim_space(span_head(s, i));
}

bool aliases_next(struct span *list, struct aliases_target *out)
{
	static const struct {
		const char *mark;
		enum aliases_kind kind;
		bool kept; /* the mark is part of the value */
	} marks[] = {
	    {"|", ALIASES_PROGRAM, false},
	    {"/", ALIASES_FILE, true},
	    {":include:", ALIASES_INCLUDE, false},
	    {"\\", ALIASES_EXACT, false},
	};
	struct span v;

	do {
		if (list->len == 0)
			return false;
		out->text = aliases_cut(list, ',');
	} while (out->text.len == 0);
	v = out->text;
	/* "|program with blanks" is quoted as a whole; inner quotes are the program's. */
	if (v.len > 1 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
		v = span_head(span_skip(v, 1), v.len - 2);
	out->kind = ALIASES_ADDRESS;
	out->value = out->text;
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (!ascii_starts_nocase(v, span_str(marks[i].mark)))
			continue;
		out->kind = marks[i].kind;
		out->value =
		    ascii_skip_space(span_skip(v, marks[i].kept ? 0 : strlen(marks[i].mark)));
		break;
	}
	return true;
}

bool aliases_next_list(struct span *text, struct span *list)
{
	while (text->len) {
		*list = ascii_trim_space(ascii_skip_space(span_cut(text, '\n')));
		if (list->len && list->ptr[0] != '#')
			return true;
	}
	return false;
}
