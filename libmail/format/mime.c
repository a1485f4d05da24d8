/*
 * MIME fields and the choice of an encoding; see format/mime.h.
 *
 * Parameters are read as leniently as mail programs write them: missing quotes, stray semicolons
 * and encoded words are taken.  Must stay linear: a parameter list is walked once per section
 * asked for, and sections are bounded.
 */
#include "format/mime.h"

#include "base/ascii.h"
#include "base/num.h"
#include "format/charset.h"
#include "format/encword.h"

/* RFC 2231 sections of one value; more are ignored. */
enum { SECTIONS_MAX = 64 };

struct param {
	struct span name, value;
	bool quoted;
};

/*
 * Blanks, folds and comments. Comments nest (RFC 5322 section 3.2.2), to a depth that is
 * counted and so may be any.
 */
static struct span skip_blanks(struct span s)
{
	size_t depth = 0, i = 0;

	for (; i < s.len; i++) {
		char c = s.ptr[i];
		if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (depth && c == '\\')
			i++;
		else if (!depth && !ascii_is_fold(c))
			break;
	}
	return span_skip(s, i);
}

/* RFC 2045 5.1 token, and 8-bit octets. */
static struct span take_token(struct span *s)
{
	size_t n = 0;

	while (n < s->len && !ascii_is_fold(s->ptr[n]) && (unsigned char)s->ptr[n] > 0x20 &&
	       !memchr("()<>@,;:\\\"/[]?=", s->ptr[n], 15))
		n++;
	struct span token = span_head(*s, n);
	*s = span_skip(*s, n);
	return token;
}

/* For fields of a word and parameters, as Content-Disposition (RFC 2183). */
void mime_parse_value(struct span value, struct span *word, struct span *params)
{
	struct span s = skip_blanks(value);

	*word = take_token(&s);
	*params = span_skip(s, span_index(s, ';'));
}

bool mime_parse_type(struct span value, struct mime_type *out)
{
	struct span s = skip_blanks(value);

	/* Comments may stand anywhere between the tokens (RFC 2045 5.1). */
	out->type = take_token(&s);
	s = skip_blanks(s);
	if (out->type.len && span_starts(s, SPAN("/"))) {
		s = skip_blanks(span_skip(s, 1));
		out->subtype = take_token(&s);
		out->params = span_skip(s, span_index(s, ';'));
		if (out->subtype.len)
			return true;
	}
	/* RFC 2045 5.2: the default for no type and for a malformed one. */
	*out = (struct mime_type){SPAN("text"), SPAN("plain"), {NULL, 0}};
	return false;
}

bool mime_type_is(const struct mime_type *t, const char *type, const char *subtype)
{
	return ascii_eq_nocase(t->type, span_str(type)) &&
	       (!subtype || ascii_eq_nocase(t->subtype, span_str(subtype)));
}

/* The next "; name=value" of *s. */
static bool next_param(struct span *s, struct param *out)
{
	while (s->len) {
		size_t n = 0;
		*s = skip_blanks(*s);
		if (s->len && s->ptr[0] == ';') {
			*s = span_skip(*s, 1);
			continue;
		}
		out->name = take_token(s);
		*s = skip_blanks(*s);
		/* Not "name=": the rest up to the next semicolon is passed over. */
		if (out->name.len == 0 || !span_starts(*s, SPAN("="))) {
			*s = span_skip(*s, span_index(*s, ';'));
			continue;
		}
		*s = skip_blanks(span_skip(*s, 1));
		out->quoted = span_starts(*s, SPAN("\""));
		if (out->quoted) {
			/*
			 * A quoted pair is passed over whole, so that \" does not end the
			 * string.
			 */
			for (n = 1; n < s->len && s->ptr[n] != '"'; n++)
				n += s->ptr[n] == '\\';
			/* An unclosed quote takes the rest; the index may have gone one too far. */
			n = n < s->len ? n : s->len;
			out->value = span_make(s->ptr + 1, n - 1);
			*s = span_skip(*s, n + 1);
			return true;
		}
		/* More than a token: boundaries with "=" or "/" are often left unquoted. */
		while (n < s->len && s->ptr[n] != ';' && !ascii_is_fold(s->ptr[n]))
			n++;
		out->value = span_head(*s, n);
		*s = span_skip(*s, n);
		return true;
	}
	return false;
}

static void put_value(const struct param *p, struct buf *out)
{
	/* Folds inside a value are no part of it. */
	for (size_t i = 0; i < p->value.len; i++) {
		char c = p->value.ptr[i];
		if (c == '\r' || c == '\n')
			continue;
		if (p->quoted && c == '\\' && i + 1 < p->value.len)
			c = p->value.ptr[++i];
		buf_putc(out, c);
	}
}

/* RFC 2231 section 4: %XX, and a "%" that begins no such thing is text. */
static void put_percent(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		uint64_t v = (unsigned char)s.ptr[i];
		if (v == '%' && i + 2 < s.len &&
		    num_parse_base(span_make(s.ptr + i + 1, 2), 16, 255, &v))
			i += 2;
		buf_putc(out, (char)v);
	}
}

/*
 * Is p section number of name? "name*", "name*0", "name*1*"; sets *ext for the last star,
 * which says that the text is percent-encoded and, in the first section, names a charset.
 */
static bool is_section(const struct param *p, struct span name, unsigned number, bool *ext)
{
	uint64_t v = 0;

	if (!ascii_starts_nocase(p->name, name))
		return false;
	struct span rest = span_skip(p->name, name.len);
	if (!span_starts(rest, SPAN("*")))
		return false;
	rest = span_skip(rest, 1);
	*ext = rest.len == 0 || span_ends(rest, SPAN("*"));
	if (rest.len && *ext)
		rest.len--;
	return rest.len == 0 ? number == 0 : num_parse(rest, SECTIONS_MAX, &v) && v == number;
}

/*
 * RFC 2231 3 and 4: gathers the sections of name in order, wherever they stand. A gap ends
 * the value.
 */
static bool extended_param(struct span params, struct span name, struct buf *raw,
			   struct span *charset)
{
	for (unsigned number = 0; number < SECTIONS_MAX; number++) {
		struct span s = params;
		struct param p;
		bool ext = false, found = false;

		while (!found && next_param(&s, &p))
			found = is_section(&p, name, number, &ext);
		if (!found)
			return number > 0;
		if (!ext) {
			put_value(&p, raw);
			continue;
		}
		struct span value = p.value;
		/* charset'language'text, only in the first section. */
		if (number == 0 && span_index(value, '\'') < value.len) {
			*charset = span_cut(&value, '\'');
			span_cut(&value, '\'');
		}
		put_percent(value, raw);
	}
	return true;
}

/*
 * RFC 2231 first: where a sender writes both forms, the plain one is the fallback. Encoded
 * words in a plain one are wrong (RFC 2047 section 5) but what many programs write.
 */
bool mime_param(struct span params, struct span name, struct buf *out)
{
	struct span s = params, charset = {NULL, 0};
	struct buf raw;
	struct param p;
	bool found;

	buf_init(&raw, params.len);
	found = extended_param(params, name, &raw, &charset);
	if (found) {
		/* An unknown charset: what is UTF-8 in it survives. */
		if (!charset_to_utf8(charset, buf_span(&raw), out))
			charset_to_utf8(SPAN("utf-8"), buf_span(&raw), out);
	}
	while (!found && next_param(&s, &p)) {
		found = ascii_eq_nocase(p.name, name);
		if (!found)
			continue;
		put_value(&p, &raw);
		encword_decode(buf_span(&raw), out);
	}
	buf_free(&raw);
	return found;
}

void mime_put_param(struct buf *out, struct span name, struct span value)
{
	/*
	 * Quoted when all is printable and short, else RFC 2231, which everybody reads who
	 * can read 8-bit names at all.
	 */
	bool plain = value.len <= MIME_LINE_MAX * 2;

	for (size_t i = 0; i < value.len; i++)
		plain &= ascii_is_print(value.ptr[i]);
	buf_puts(out, "; ");
	buf_put(out, name);
	buf_puts(out, plain ? "=\"" : "*=utf-8''");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (!plain && !ascii_is_alnum(c) && c != '.' && c != '-' && c != '_') {
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
			continue;
		}
		if (plain && (c == '"' || c == '\\'))
			buf_putc(out, '\\');
		buf_putc(out, c);
	}
	if (plain)
		buf_putc(out, '"');
}

static const char *const encoding_names[] = {
    [MIME_7BIT] = "7bit",           [MIME_8BIT] = "8bit",     [MIME_BINARY] = "binary",
    [MIME_QP] = "quoted-printable", [MIME_BASE64] = "base64", [MIME_UNKNOWN] = "unknown",
};

const char *mime_encoding_name(enum mime_encoding e)
{
	return encoding_names[e];
}

enum mime_encoding mime_parse_encoding(struct span value)
{
	struct span s = skip_blanks(value);
	struct span word = take_token(&s);

	/* An empty field says nothing, so 7bit holds (RFC 2045 section 6.1). */
	if (word.len == 0)
		return s.len ? MIME_UNKNOWN : MIME_7BIT;
	for (int e = MIME_7BIT; e < MIME_UNKNOWN; e++)
		if (ascii_eq_nocase(word, span_str(encoding_names[e])))
			return (enum mime_encoding)e;
	return MIME_UNKNOWN;
}

/*
 * Runs over the whole text once before anything is written: the field that names the
 * encoding comes first.
 */
void mime_survey_feed(struct mime_survey *s, struct span in)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		/* Neither survives transport as text (RFC 5321 2.3.8, RFC 5322 4). */
		s->binary |= c == '\0' || (s->cr && c != '\n');
		s->high += (unsigned char)c > 0x7f;
		if (c == '\n') {
			s->column = 0;
		} else if (c != '\r' && ++s->column > s->longest) {
			s->longest = s->column;
		}
		s->cr = c == '\r';
	}
	s->octets += in.len;
}

enum mime_encoding mime_survey_choose(const struct mime_survey *s, bool allow_8bit)
{
	enum { LINE_MAX = 998 }; /* RFC 5322 2.1.1 */

	if (s->binary || s->cr)
		return MIME_BASE64;
	/* What needs no encoding gets none: people read source, and signatures stay valid. */
	if (s->longest <= LINE_MAX && (s->high == 0 || allow_8bit))
		return s->high ? MIME_8BIT : MIME_7BIT;
	/* Three octets for one against four for three: they meet at a sixth. */
	return s->high * 6 > s->octets ? MIME_BASE64 : MIME_QP;
}
