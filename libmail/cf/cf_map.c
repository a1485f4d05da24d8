/*
 * Maps: K lines, their classes and flags; see cf/cf.h.
 *
 * Nothing is opened here but through the host, which may put that off until the
 * first lookup, as sendmail does.
 */
#include "base/ascii.h"
#include "cf/cf_part.h"

/*
 * The name in the K line (sendmail 8.17's) and what does its work. All database formats
 * are read through one reader; classes of CFM_NONE need a library that is not here: they
 * are known, so that a stock configuration loads, and never match.
 */
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
    {"nisplus", CFM_NONE},    {"userdb", CFM_NONE},
};

enum { CLASSES = sizeof classes / sizeof classes[0] };

/* Flags are a bit set: 52 letters, and bit 63 for what is no letter. */
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

/*
 * Where a flag's argument is kept, or NULL for a flag without.  It is written against the
 * letter; only k, v and R take a word behind it too.
 */
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

/* The letters that a K line of the kind may have; NULL: any, those without effect included. */
static const char *letters_of(enum cf_map_kind kind)
{
	switch (kind) {
	case CFM_TEXT:
	case CFM_HASH:
	case CFM_CDB:
	case CFM_USER:
	case CFM_BESTMX:
	case CFM_NULL:
	case CFM_STAB:
	case CFM_SWITCH:
	case CFM_PROGRAM:
	case CFM_SOCKET:
		return "ADNOSTadfkmoqtvz";
	case CFM_SYSLOG:
		return "DLS";
	default:
		return NULL;
	}
}

/* A letter that is none is told, and has no effect. */
static void parse_flags(struct cf_eval *ev, struct cf_map *m, struct span *s)
{
	const char *letters = letters_of(m->kind);

	for (*s = ascii_skip_space(*s); s->len > 1 && s->ptr[0] == '-'; *s = ascii_skip_space(*s)) {
		struct span word = ascii_cut_word(s), *field = flag_field(m, word.ptr[1]);

		if (letters && !strchr(letters, word.ptr[1])) {
			cf_report(ev, "", "Illegal option %c map %.*s", word.ptr[1],
				  SPAN_ARG(m->kind == CFM_SYSLOG ? m->class : m->name));
			continue;
		}
		m->letters |= (uint64_t)1 << letter_bit(word.ptr[1]);
		/* Its -s is something else. */
		if (m->kind == CFM_REGEX && word.ptr[1] == 'S') {
			m->space = word.len > 2 ? word.ptr[2] : '\0';
			continue;
		}
		if (!field)
			continue;
		*field = span_skip(word, 2);
		if (field->len == 0 && strchr("kvR", word.ptr[1]))
			*field = ascii_cut_word(s);
	}
}

/*
 * Does the sequence m ask the map called name, itself or through another?  Ends, since no map
 * that would close a circle is ever made a member.
 */
static bool leads_to(const struct cf *cf, const struct cf_map *m, struct span name)
{
	for (int i = 0; m && m->kind == CFM_SEQUENCE && i < m->members; i++)
		if (ascii_eq_nocase(m->member[i], name) ||
		    leads_to(cf, cf_map_find(cf, m->member[i]), name))
			return true;
	return false;
}

/*
 * The members must exist already. Those that do not are left out aloud, and the sequence
 * works with the others.
 */
static bool parse_members(struct cf_eval *ev, struct cf_map *m)
{
	struct span s = m->rest;

	for (s = ascii_skip_space(s); s.len; s = ascii_skip_space(s)) {
		struct span w = ascii_cut_word(&s);

		if (!cf_map_find(ev->cf, w)) {
			cf_report(ev, "", "Sequence map %.*s: unknown member map %.*s",
				  SPAN_ARG(m->name), SPAN_ARG(w));
		} else if (ascii_eq_nocase(w, m->name) ||
			   leads_to(ev->cf, cf_map_find(ev->cf, w), m->name)) {
			cf_report(ev, "", "Sequence map %.*s: member map %.*s asks it again",
				  SPAN_ARG(m->name), SPAN_ARG(w));
		} else if (m->members == (int)(sizeof m->member / sizeof m->member[0])) {
			cf_report(ev, "", "Sequence map %.*s: too many member maps (%d max)",
				  SPAN_ARG(m->name), m->members);
			return false;
		} else {
			m->member[m->members++] = w;
		}
	}
	return true;
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
	/* The quotes are what this map is about, so they are not stripped from its key. */
	case CFM_DEQUOTE:
		m->letters |= (uint64_t)1 << letter_bit('q');
		return true;
	case CFM_SWITCH:
	case CFM_ARITH:
	case CFM_MACRO:
	case CFM_NULL:
	case CFM_NONE:
		return true;
	/* Opening may be put off by the host until the first lookup; false means never. */
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
	/*
	 * A map defined again takes the old one's place, so rules compiled before see the
	 * new one.
	 */
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

	line = ascii_skip_space(arena_dup(&ev->cf->mem, line));
	/* Map names may hold "_" and ".", class names are plain words. */
	name = span_head(line, name_length(line, "_."));
	if (name.len == 0) {
		cf_report(ev, "", "readcf: config K line: no map name");
		return;
	}
	line = ascii_skip_space(span_skip(line, name.len + 1));
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
	parse_flags(ev, m, &line);
	m->rest = ascii_skip_space(line);
	m->file = ascii_cut_word(&line);
	/* -s and -S: what joins the tokens of a key; for regex, -s are the substrings to return. */
	if (m->S.len && m->kind != CFM_REGEX)
		m->space = m->S.ptr[0];
	m->is_open = open_map(ev, m);
}
