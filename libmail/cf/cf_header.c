/*
 * The header for a mailer; see cf/cf_header.h and sendmail's headers.c for what is compared.
 *
 * Must not drop what it does not understand: a field that is none of the table's is
 * copied as it is.
 */
#include "cf/cf_header.h"
#include "base/ascii.h"
#include "base/err.h"
#include "format/address.h"
#include "format/header.h"

enum {
	FROM = 1,   /* sender addresses */
	RCPT = 2,   /* recipient addresses */
	RESENT = 4, /* counts only when the message has such a field */
	FORCE = 8,  /* an H line adds it even if there is one */
	ASKED = 16, /* the message's own goes out only where its H line's flags allow it */
	BCC = 32,   /* left out, or empty when it is the only one */
	TRACE = 64,
};

static const struct {
	const char *name;
	uint8_t flags;
} fields[] = {
    {"Resent-Sender", FROM | RESENT},
    {"Resent-From", FROM | RESENT},
    {"Resent-Reply-To", FROM | RESENT},
    {"Sender", FROM},
    {"From", FROM},
    {"Reply-To", FROM},
    {"Errors-To", FROM},
    {"Full-Name", ASKED},
    {"Disposition-Notification-To", FROM},
    {"To", RCPT},
    {"Resent-To", RCPT | RESENT},
    {"Cc", RCPT},
    {"Resent-Cc", RCPT | RESENT},
    {"Bcc", BCC},
    {"Resent-Bcc", BCC | RESENT},
    {"Apparently-To", RCPT},
    {"Resent-Message-Id", RESENT},
    {"Resent-Date", RESENT},
    {"Received", TRACE | FORCE},
    {"X400-Received", FORCE},
    {"Via", FORCE},
    {"Mail-From", FORCE},
    {"Comments", FORCE},
    {"Return-Path", FORCE | ASKED},
    {"Content-Length", ASKED},
    {"X-Authentication-Warning", FORCE},
};

static unsigned flags_of(struct span name)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (ascii_eq_nocase(name, span_str(fields[i].name)))
			return fields[i].flags;
	return 0;
}

/* "?flags?" or "?$x?" in front of an H line. */
static struct span conditions(struct cf_eval *ev, struct span t, struct cf_header_line *h)
{
	size_t used;

	if (t.len == 0 || t.ptr[0] != '?')
		return t;
	h->conditional = true;
	for (t = span_skip(t, 1); t.len && t.ptr[0] != '?'; t = span_skip(t, 1)) {
		unsigned char c = (unsigned char)t.ptr[0];

		if (c == CF_MACRO && t.len > 1) {
			h->macro = (unsigned char)t.ptr[1];
			t = span_skip(t, 1);
		} else if (c == '{') {
			h->macro = (unsigned char)cf_macro_id(ev, t, &used);
			t = span_skip(t, used - 1);
		} else {
			h->flags[(c & 127) / 64] |= (uint64_t)1 << (c & 127) % 64;
		}
	}
	return span_skip(t, 1);
}

bool cf_header_line(struct cf_eval *ev, const struct cf_line **at, struct cf_header_line *out)
{
	for (; *at; *at = (*at)->next) {
		struct span t = (*at)->text, v;
		size_t colon;

		*out = (struct cf_header_line){0};
		if ((*at)->kind != 'H')
			continue;
		t = conditions(ev, t, out);
		colon = span_index(t, ':');
		if (colon == t.len)
			continue;
		out->name = span_trim(span_head(t, colon));
		out->value = span_skip(t, colon + 1);
		v = span_trim(out->value);
		if (v.len && (unsigned char)v.ptr[0] == CF_CALL) {
			v = span_skip(v, 1);
			out->comments = v.len && v.ptr[0] == '+';
			v = span_trim(span_skip(v, out->comments));
			out->ruleset = span_head(v, span_index(v, ' '));
			out->value.len = 0;
		}
		*at = (*at)->next;
		return true;
	}
	return false;
}

int cf_header_ruleset(struct cf_eval *ev, struct span name, bool *comments)
{
	const struct cf_line *at = ev->cf->lines;
	struct cf_header_line h;
	int found = -1, any = -1;
	bool any_comments = false;

	*comments = false;
	while (cf_header_line(ev, &at, &h)) {
		int rs = h.ruleset.len ? cf_ruleset_id(ev, h.ruleset, false, NULL) : -1;

		if (rs < 0)
			continue;
		if (span_eq(h.name, SPAN("*"))) {
			any = rs;
			any_comments = h.comments;
		} else if (ascii_eq_nocase(h.name, name)) {
			found = rs;
			*comments = h.comments;
		}
	}
	if (found < 0)
		*comments = any_comments;
	return found < 0 ? any : found;
}

/* What is known of the message before its header is written. */
struct work {
	struct cf_eval *ev;
	const struct cf_sender *s;
	const struct cf_mailer *m;
	struct buf *out;
	struct span g;     /* the return path for this mailer */
	uint64_t replaced; /* H lines, by their number, whose field the message has */
	bool resent, old_style, received, has_rcpt;
	unsigned addresses;
	int status;
};

static bool allowed(const struct work *w, const struct cf_header_line *h)
{
	if ((h->flags[0] & w->m->flags[0]) || (h->flags[1] & w->m->flags[1]))
		return true;
	return h->macro && cf_macro_get(w->ev, h->macro).len;
}

/*
 * A first From that says no more than the envelope is made anew, since the H line may know a
 * name; froms counts the From fields.
 */
static bool is_plain_from(const struct work *w, const struct header_field *f, unsigned *froms)
{
	if (!ascii_eq_nocase(f->name, SPAN("From")) || ++*froms > 1 || !w->s->user[0])
		return false;
	return span_eq(f->value, span_str(w->s->given)) || span_eq(f->value, span_str(w->s->user));
}

static void mark_replaced(struct work *w, struct span name)
{
	const struct cf_line *at = w->ev->cf->lines;
	struct cf_header_line h;

	for (int i = 0; i < CF_HEADER_LINES && cf_header_line(w->ev, &at, &h); i++)
		if (ascii_eq_nocase(h.name, name) && !(flags_of(name) & FORCE))
			w->replaced |= (uint64_t)1 << i;
}

/* $x, quoted when it would be no phrase. */
static void set_full_name(struct cf_eval *ev, struct span name)
{
	char mem[CF_NAME];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	address_put_phrase(name, &b);
	if (buf_ok(&b))
		cf_macro_set(ev, 'x', buf_span(&b));
}

static void look_through(struct work *w, struct span header)
{
	struct header_field f;
	bool plain = false;
	unsigned froms = 0;

	while (header_next(&header, &f)) {
		unsigned flags = flags_of(f.name);

		w->resent |= (flags & RESENT) != 0;
		w->has_rcpt |= (flags & RCPT) && !(flags & RESENT);
		if (ascii_eq_nocase(f.name, SPAN("Full-Name")) && f.value.len)
			set_full_name(w->ev, f.value);
		if (flags & (FROM | RCPT | BCC))
			for (size_t i = 0; i < f.value.len; i++)
				if (memchr(",;<(", f.value.ptr[i], 4))
					w->old_style = false;
		plain |= is_plain_from(w, &f, &froms);
		if (!plain || !ascii_eq_nocase(f.name, SPAN("From")))
			mark_replaced(w, f.name);
	}
}

static void put_field(struct work *w, unsigned flags, struct span name, struct span value)
{
	if (flags & (FROM | RCPT)) {
		if (cf_header_list(w->ev, w->s, w->m, name, value, flags & FROM, w->old_style,
				   &w->addresses, w->out) == EXIT_TEMPFAIL)
			w->status = EXIT_TEMPFAIL;
		return;
	}
	buf_put(w->out, name);
	buf_putc(w->out, ':');
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] != '\r' || i + 1 == value.len || value.ptr[i + 1] != '\n')
			buf_putc(w->out, value.ptr[i]);
	buf_putc(w->out, '\n');
}

/* Is a later H line for the same field in force instead? */
static bool redefined(struct cf_eval *ev, const struct cf_line *at, struct span name)
{
	struct cf_header_line h;

	while (cf_header_line(ev, &at, &h))
		if (!h.ruleset.len && ascii_eq_nocase(h.name, name))
			return true;
	return false;
}

static void put_defaults(struct work *w)
{
	const struct cf_line *at = w->ev->cf->lines;
	struct cf_header_line h;
	char mem[CF_LINE];
	struct buf value;

	for (int i = 0; i < CF_HEADER_LINES && cf_header_line(w->ev, &at, &h); i++) {
		unsigned flags = flags_of(h.name);

		if (h.ruleset.len || (w->replaced >> i & 1) || (h.conditional && !allowed(w, &h)))
			continue;
		if (((flags & RESENT) && !w->resent) || ((flags & TRACE) && w->received))
			continue;
		if (!(flags & FORCE) && redefined(w->ev, at, h.name))
			continue;
		buf_init_fixed(&value, mem, sizeof mem);
		/* $g is the sender as it came, unless that leaves nothing: bound late. */
		if (!(flags & ASKED))
			cf_macro_set(w->ev, 'g', span_str(w->s->address));
		cf_expand(w->ev, h.value, &value);
		cf_macro_set(w->ev, 'g', w->g);
		if (span_trim(buf_span(&value)).len == 0) {
			buf_reset(&value);
			cf_expand(w->ev, h.value, &value);
		}
		if (value.len)
			put_field(w, flags, h.name, buf_span(&value));
	}
}

/* Full-Name and the like: as the H line of that name says, and nowhere without one. */
static bool is_asked(struct work *w, struct span name)
{
	const struct cf_line *at = w->ev->cf->lines;
	struct cf_header_line h;

	while (cf_header_line(w->ev, &at, &h))
		if (ascii_eq_nocase(h.name, name) && !(flags_of(name) & FORCE))
			return allowed(w, &h);
	return false;
}

static void put_own(struct work *w, struct span header)
{
	struct header_field f;
	unsigned froms = 0;

	while (header_next(&header, &f)) {
		unsigned flags = flags_of(f.name);
		struct span v = span_skip(f.raw, span_index(f.raw, ':') + 1);

		if (is_plain_from(w, &f, &froms) || ((flags & BCC) && w->has_rcpt) ||
		    ((flags & ASKED) && !is_asked(w, f.name)))
			continue;
		if (flags & BCC)
			v.len = 0;
		while (v.len && (v.ptr[v.len - 1] == '\n' || v.ptr[v.len - 1] == '\r'))
			v.len--;
		put_field(w, flags, f.name, v);
	}
}

/* L=: a longer line is cut, with "!" where; F=7: seven bits are all there are. */
static void fit_lines(const struct cf_mailer *m, struct buf *out, size_t start)
{
	size_t limit = m->line_limit > 2 ? (size_t)m->line_limit : 0, column = 0;
	bool long_line = false;
	struct buf copy;

	for (size_t i = start; i < out->len; i++) {
		if (cf_mailer_flag(m, '7'))
			out->ptr[i] &= 0x7f;
		column = out->ptr[i] == '\n' ? 0 : column + 1;
		long_line |= limit && column > limit;
	}
	if (!long_line)
		return;
	/* Rare, so it is done on a copy that lives for a moment. */
	buf_init(&copy, out->max);
	buf_put(&copy, span_make(out->ptr + start, out->len - start));
	buf_truncate(out, start);
	out->overflow |= copy.overflow;
	for (struct span s = buf_span(&copy); s.len;) {
		struct span line = span_cut(&s, '\n');
		size_t room = limit;

		for (; line.len > room; room = limit - 1) {
			buf_put(out, span_head(line, room - 1));
			buf_puts(out, "!\n ");
			line = span_skip(line, room - 1);
		}
		buf_put(out, line);
		buf_putc(out, '\n');
	}
	buf_free(&copy);
}

/* What is wrong with an address in a header is nobody's error now. */
static void ignore(void *ctx, uint32_t line, const char *code, struct span text)
{
	(void)ctx;
	(void)line;
	(void)code;
	(void)text;
}

int cf_header_write(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
		    struct span header, bool received, struct buf *out)
{
	const struct cf_host *host = ev->host;
	struct cf_host quiet = *host;
	struct span old = cf_option_get(ev->cf, "OldStyleHeaders");
	struct work w = {.ev = ev, .s = s, .m = m, .out = out, .received = received};
	struct span x = cf_macro_get(ev, 'x');
	int status = ev->status;
	size_t start = out->len;
	char old_x[CF_LINE], old_g[CF_LINE];

	quiet.report = ignore;
	/* Copies, since a macro's new value may take the place of the old one. */
	x = span_head(x, sizeof old_x);
	if (x.ptr)
		x.ptr = memcpy(old_x, x.ptr, x.len);
	w.g = span_head(cf_macro_get(ev, 'g'), sizeof old_g);
	if (w.g.ptr)
		w.g.ptr = memcpy(old_g, w.g.ptr, w.g.len);
	ev->host = &quiet;
	w.old_style = old.ptr && (old.len == 0 || memchr("TtYy", old.ptr[0], 4));
	header_skip_from(&header);
	look_through(&w, header);
	put_defaults(&w);
	put_own(&w, header);
	if (buf_ok(out))
		fit_lines(m, out, start);
	cf_macro_set(ev, 'x', x);
	ev->host = host;
	ev->status = status;
	return w.status;
}
