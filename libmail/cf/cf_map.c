/*
 * Maps: K lines, what all maps have in common, and the maps that need nothing
 * from outside (dequote, arith, macro, null, sequence); see cf/cf.h.
 *
 * Keys are not folded in place and values are never trusted: a value only becomes
 * tokens again through the splitter.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf.h"

static const struct {
	const char *name;
	uint8_t kind;
} classes[] = {
    {"dequote", CFM_DEQUOTE}, {"arith", CFM_ARITH},       {"macro", CFM_MACRO},
    {"null", CFM_NULL},       {"sequence", CFM_SEQUENCE}, {"switch", CFM_SWITCH},
    {"stab", CFM_STAB},       {"text", CFM_TEXT},         {"hash", CFM_HASH},
    {"btree", CFM_HASH},      {"dbm", CFM_HASH},          {"implicit", CFM_HASH},
    {"cdb", CFM_CDB},         {"host", CFM_HOST},         {"dns", CFM_DNS},
    {"bestmx", CFM_BESTMX},   {"user", CFM_USER},         {"regex", CFM_REGEX},
    {"syslog", CFM_SYSLOG},   {"socket", CFM_SOCKET},     {"program", CFM_PROGRAM},
    {"arpa", CFM_ARPA},       {"ldap", CFM_NONE},         {"nis", CFM_NONE},
    {"nisplus", CFM_NONE},    {"netinfo", CFM_NONE},      {"hesiod", CFM_NONE},
    {"userdb", CFM_NONE},     {"ph", CFM_NONE},           {"dprintf", CFM_NONE},
};

enum { CLASSES = sizeof classes / sizeof classes[0] };

static int letter_bit(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? 26 + c - 'A' : 63;
}

bool cf_map_flag(const struct cf_map *m, char letter)
{
	return m->letters >> letter_bit(letter) & 1;
}

struct cf_map *cf_map_find(const struct cf *cf, struct span name)
{
	uint32_t id = cf_word_find(cf, name.ptr, name.len);
	int i = id ? cf->words[id].map : -1;

	return i < 0 ? NULL : cf->maps[i];
}

static struct span skip_blanks(struct span s)
{
	while (s.len && memchr(" \t\n\v\f\r", s.ptr[0], 6))
		s = span_skip(s, 1);
	return s;
}

static struct span next_word(struct span *s)
{
	size_t n = 0;
	struct span w;

	*s = skip_blanks(*s);
	while (n < s->len && !memchr(" \t\n\v\f\r", s->ptr[n], 6))
		n++;
	w = span_head(*s, n);
	*s = span_skip(*s, n);
	return w;
}

/* Where a flag's argument is kept, or NULL for a flag without. */
static struct span *flag_field(struct cf_map *m, char c)
{
	switch (c) {
	case 'a':
		return &m->a;
	case 'T':
		return &m->T;
	case 'k':
		return &m->k;
	case 'v':
		return &m->v;
	case 'z':
		return &m->z;
	case 's':
	case 'S':
		return &m->S;
	case 'd':
		return &m->d;
	case 'R':
		return &m->R;
	default:
		return NULL;
	}
}

static void parse_flags(struct cf_map *m, struct span *s)
{
	for (*s = skip_blanks(*s); s->len > 1 && s->ptr[0] == '-'; *s = skip_blanks(*s)) {
		struct span word = next_word(s), *field = flag_field(m, word.ptr[1]);

		m->letters |= (uint64_t)1 << letter_bit(word.ptr[1]);
		if (!field)
			continue;
		*field = span_skip(word, 2);
		if (field->len == 0 && strchr("kvR", word.ptr[1]))
			*field = next_word(s);
	}
}

static bool parse_members(struct cf_eval *ev, struct cf_map *m)
{
	struct span s = m->rest;
	bool ok = true;

	for (s = skip_blanks(s); s.len; s = skip_blanks(s)) {
		struct span w = next_word(&s);

		if (!cf_map_find(ev->cf, w)) {
			cf_report(ev, "", "Sequence map %.*s: unknown member map %.*s",
				  SPAN_ARG(m->name), SPAN_ARG(w));
			ok = false;
		} else if (m->members == (int)(sizeof m->member / sizeof m->member[0])) {
			cf_report(ev, "", "Sequence map %.*s: too many member maps (%d max)",
				  SPAN_ARG(m->name), m->members);
			return false;
		} else {
			m->member[m->members++] = w;
		}
	}
	return ok || m->members;
}

/* Checks and opens; a map that is not open never matches. */
static bool open_map(struct cf_eval *ev, struct cf_map *m)
{
	switch (m->kind) {
	case CFM_SEQUENCE:
		return parse_members(ev, m);
	case CFM_STAB:
		if (m->file.len == 0) {
			cf_report(ev, "", "No file name for stab map %.*s", SPAN_ARG(m->name));
			return false;
		}
		return true;
	case CFM_DEQUOTE:
		m->letters |= (uint64_t)1 << letter_bit('q');
		return true;
	case CFM_SWITCH:
	case CFM_ARITH:
	case CFM_MACRO:
	case CFM_NULL:
	case CFM_NONE:
		return true;
	default:
		return ev->host->open_map && ev->host->open_map(ev->host->ctx, ev, m);
	}
}

static struct cf_map *enter_map(struct cf *cf, struct span name)
{
	uint32_t id = cf_word_add(cf, name);
	struct cf_map *m = arena_alloc(&cf->mem, sizeof *m);

	if (!id || !m)
		return NULL;
	if (cf->words[id].map < 0) {
		if (cf->nmaps == CF_MAPS)
			return NULL;
		cf->words[id].map = (int16_t)cf->nmaps++;
	}
	m->name = arena_dup(&cf->mem, name);
	cf->maps[cf->words[id].map] = m;
	return m;
}

static size_t name_length(struct span s, const char *more)
{
	size_t n = 0;

	while (n < s.len && (ascii_is_alnum(s.ptr[n]) || (n && strchr(more, s.ptr[n]))))
		n++;
	return n;
}

void cf_map_add(struct cf_eval *ev, struct span line)
{
	struct span name, class;
	struct cf_map *m;
	int kind = 0;

	line = skip_blanks(arena_dup(&ev->cf->mem, line));
	name = span_head(line, name_length(line, "_."));
	if (name.len == 0) {
		cf_report(ev, "", "readcf: config K line: no map name");
		return;
	}
	line = skip_blanks(span_skip(line, name.len + 1));
	class = span_head(line, name_length(line, ""));
	if (class.len == 0) {
		cf_report(ev, "", "readcf: config K line, map %.*s: no map class", SPAN_ARG(name));
		return;
	}
	while (kind < CLASSES && !ascii_eq_nocase(span_str(classes[kind].name), class))
		kind++;
	if (kind == CLASSES) {
		cf_report(ev, "", "readcf: map %.*s: class %.*s not available", SPAN_ARG(name),
			  SPAN_ARG(class));
		return;
	}
	m = enter_map(ev->cf, name);
	if (!m)
		return;
	m->class = class;
	m->kind = classes[kind].kind;
	line = span_skip(line, class.len + 1);
	parse_flags(m, &line);
	m->rest = skip_blanks(line);
	m->file = next_word(&line);
	if (m->S.len && m->kind != CFM_REGEX)
		m->space = m->S.ptr[0];
	m->is_open = open_map(ev, m);
}

/* The value with %0 to %9 replaced by the arguments, and -a behind it. */
static void finish_value(const struct cf_map *m, struct span v, const struct span *args,
			 struct buf *out)
{
	for (size_t i = 0; i < v.len; i++) {
		int k;

		if (!args || v.ptr[i] != '%' || i + 1 == v.len) {
			buf_putc(out, v.ptr[i]);
			continue;
		}
		i++;
		if (!ascii_is_digit(v.ptr[i])) {
			if (v.ptr[i] != '%')
				buf_putc(out, '%');
			buf_putc(out, v.ptr[i]);
			continue;
		}
		for (k = 0; k < v.ptr[i] - '0' && args[k].ptr; k++)
			;
		if (args[k].ptr)
			buf_put(out, args[k]);
	}
	buf_put(out, m->a);
}

static bool dequote(struct cf_map *m, struct span key, struct buf *out)
{
	int angles = 0, comments = 0, quotes = 0, spaces = 0;
	bool quoted = false, escape = false;

	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (escape) {
			escape = false;
			buf_putc(out, c);
			continue;
		}
		if (c == ' ' && m->space)
			c = m->space;
		if (c == '\\')
			escape = true;
		else if (c == '(')
			comments++;
		else if (c == ')' && comments-- <= 0)
			return false;
		else if (ascii_is_blank(c))
			spaces++;
		else if (c == '<')
			angles++;
		else if (c == '>' && angles-- <= 0)
			return false;
		if (c == '"') {
			quoted = !quoted;
			quotes++;
			continue;
		}
		buf_putc(out, c);
	}
	return !angles && !comments && !quoted && !escape && quotes && !spaces;
}

/* strtol with base 0, wrapping nowhere. */
static long to_long(struct span s)
{
	unsigned base = 10;
	bool minus;
	long v = 0;

	s = skip_blanks(s);
	minus = s.len && s.ptr[0] == '-';
	if (s.len && (minus || s.ptr[0] == '+'))
		s = span_skip(s, 1);
	if (s.len > 1 && s.ptr[0] == '0') {
		bool hex = ascii_lower(s.ptr[1]) == 'x';

		base = hex ? 16 : 8;
		s = span_skip(s, hex ? 2 : 1);
	}
	for (; s.len; s = span_skip(s, 1)) {
		char c = ascii_lower(s.ptr[0]);
		unsigned d = ascii_is_digit(c)   ? (unsigned)(c - '0')
			     : ascii_is_alpha(c) ? (unsigned)(c - 'a' + 10)
						 : 99;

		if (d >= base || __builtin_mul_overflow(v, (long)base, &v) ||
		    __builtin_add_overflow(v, (long)d, &v))
			break;
	}
	return minus ? -v : v;
}

static bool arith(struct span key, const struct span *args, struct buf *out, int *status)
{
	struct span op = skip_blanks(key);
	long a = 0, b = 0, r = 0;
	int n = 0;

	for (; args && args[0].ptr && args[n + 1].ptr && n < 2; n++)
		*(n ? &b : &a) = to_long(args[n + 1]);
	if (n < 2 || op.len == 0) {
		*status = EXIT_CONFIG;
		return false;
	}
	switch (op.ptr[0]) {
	case '|':
		r = a | b;
		break;
	case '&':
		r = a & b;
		break;
	case '+':
		r = (long)((unsigned long)a + (unsigned long)b);
		break;
	case '-':
		r = (long)((unsigned long)a - (unsigned long)b);
		break;
	case '*':
		r = (long)((unsigned long)a * (unsigned long)b);
		break;
	case '/':
	case '%':
		if (b == 0 || b == -1) {
			*status = b ? 0 : EXIT_CONFIG;
			r = op.ptr[0] == '/' ? (long)-(unsigned long)a : 0;
			if (b == 0)
				return false;
		} else {
			r = op.ptr[0] == '/' ? a / b : a % b;
		}
		break;
	case 'l':
	case '=':
		buf_puts(out, (op.ptr[0] == 'l' ? a < b : a == b) ? "TRUE" : "FALSE");
		return true;
	default:
		*status = EXIT_CONFIG;
		return false;
	}
	if (r < 0)
		buf_putc(out, '-');
	buf_putu(out, r < 0 ? -(unsigned long)r : (unsigned long)r);
	return true;
}

static void set_macro(struct cf_eval *ev, struct span key, const struct span *args)
{
	size_t used;
	int id = cf_macro_id(ev, key, &used);
	bool given = args && args[0].ptr && args[1].ptr;

	if (id)
		cf_macro_set(ev, id, given ? args[1] : SPAN(""));
}

static bool run(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status);

static bool sequence(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		     struct buf *out, int *status)
{
	bool temp = false;

	for (int i = 0; i < m->members; i++) {
		struct cf_map *sub = cf_map_find(ev->cf, m->member[i]);

		*status = 0;
		if (sub && sub != m && run(ev, sub, key, args, out, status))
			return true;
		temp |= *status == EXIT_TEMPFAIL;
	}
	if (temp)
		*status = EXIT_TEMPFAIL;
	else if (*status == 0)
		*status = EXIT_NOHOST;
	return false;
}

/* A map whose data the host has. */
static bool outside(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		    struct buf *out, int *status)
{
	char mem[CF_LINE];
	bool regex = m->kind == CFM_REGEX;
	struct span folded;
	struct buf v;

	buf_init_fixed(&v, mem, sizeof mem);
	folded = arena_dup(&ev->mem, key);
	if (!cf_map_flag(m, 'f') &&
	    (m->kind == CFM_TEXT || m->kind == CFM_HASH || m->kind == CFM_CDB))
		ascii_fold((char *)folded.ptr, folded.len);
	*status = ev->host->lookup(ev->host->ctx, ev, m, folded, args, &v);
	if (*status) {
		/* A pattern that does not match is no error. */
		if (*status < 0)
			*status = 0;
		return false;
	}
	if (regex && !v.ptr)
		buf_puts(&v, "");
	if (cf_map_flag(m, 'm'))
		finish_value(m, key, NULL, out);
	else
		finish_value(m, buf_span(&v), regex ? NULL : args, out);
	return true;
}

static bool run(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status)
{
	char mem[CF_LINE];
	struct buf b;

	*status = 0;
	if (!m->is_open)
		return false;
	buf_init_fixed(&b, mem, sizeof mem);
	switch (m->kind) {
	case CFM_DEQUOTE:
		if (!dequote(m, key, &b))
			return false;
		finish_value(m, buf_span(&b), NULL, out);
		return true;
	case CFM_ARITH:
		return arith(key, args, out, status);
	case CFM_MACRO:
		set_macro(ev, key, args);
		return true;
	case CFM_SEQUENCE:
		return sequence(ev, m, key, args, out, status);
	case CFM_SWITCH:
		*status = EXIT_TEMPFAIL;
		return false;
	case CFM_NULL:
	case CFM_STAB:
	case CFM_NONE:
		*status = EXIT_NOHOST;
		return false;
	default:
		return outside(ev, m, key, args, out, status);
	}
}

bool cf_map_raw(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status)
{
	return run(ev, m, key, args, out, status);
}

static struct span strip_quotes(struct cf_eval *ev, struct span s)
{
	char *p = (char *)arena_dup(&ev->mem, s).ptr;
	size_t n = 0;

	for (size_t i = 0; p && i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.ptr[i] == '"')
			continue;
		p[n++] = s.ptr[i];
	}
	return span_make(p, n);
}

static void trace_lookup(struct cf_eval *ev, enum cf_step step, const struct cf_map *m,
			 struct span text, const struct span *args, int status)
{
	struct cf_trace t = {.step = step, .map = m, .text = text, .args = args, .status = status};

	if (ev->host->trace && ev->debug_maps)
		ev->host->trace(ev->host->ctx, &t);
}

bool cf_map_lookup(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		   struct buf *out, int *status)
{
	size_t before = out->len;
	bool found;

	if (!cf_map_flag(m, 'q'))
		key = strip_quotes(ev, key);
	trace_lookup(ev, CF_STEP_LOOKUP, m, key, args, 0);
	found = run(ev, m, key, args, out, status);
	trace_lookup(ev, found ? CF_STEP_FOUND : CF_STEP_MISSING, m,
		     span_skip(buf_span(out), before), NULL, *status);
	if (!found && *status == EXIT_TEMPFAIL && cf_map_flag(m, 'T')) {
		buf_put(out, key);
		buf_put(out, m->T);
		found = true;
	}
	return found;
}
