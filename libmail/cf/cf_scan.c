/*
 * Tokens: splitting, joining, showing; see cf/cf.h.
 *
 * The splitter is the operations guide's: operators and delimiters are tokens of
 * one octet, quoted strings are one token, backslash and octet belong together,
 * and what is unbalanced is balanced aloud.
 */
#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

enum { OPR, ATM, QST, SPC, ONE, TYPES };
enum { TYPE = 7, DROP = 8, CUT = 16 };

/*
 * What a character of the type does in each state: next state, dropped, cuts before it.
 * Inside quotes everything but the closing one stays in the token, and a closing quote
 * counts as an operator, so that what follows starts a token.
 */
static const uint8_t states[TYPES][TYPES] = {
    [OPR] = {OPR | CUT, ATM | CUT, QST | CUT, SPC | DROP | CUT, ONE | CUT},
    [ATM] = {OPR | CUT, ATM, QST | CUT, SPC | DROP | CUT, ONE | CUT},
    [QST] = {QST, QST, OPR, QST, QST},
    [SPC] = {OPR, ATM, QST, SPC | DROP, ONE},
    [ONE] = {OPR, OPR, OPR, OPR, OPR},
};

enum {
	TEXT_MAX = CF_NAME + CF_ATOMS - 5, /* token text of one address, an octet more for each */
	NO_CHAR = -1,
	END_CHAR = -2
};

/*
 * in is read at at; q is where the next octet of token text goes, tok and start the
 * current token's and all tokens' beginnings. angle and comment are depths. route: inside
 * <@a,@b:...>, where a comma does not end the address.
 */
struct scanner {
	struct cf_eval *ev;
	struct span in;
	size_t at;
	char *q, *tok, *start;
	int state, angle, comment;
	char delim;
	bool comments, angles, escape, route;
	uint8_t guard; /* type of the octet 0xff, sendmail's METAQUOTE */
};

/* Messages name the text that is split, not the recipient it belongs to. */
static void complain(struct scanner *s, const char *code, const char *text)
{
	struct span saved = s->ev->to;

	s->ev->to = s->in;
	cf_report(s->ev, code, "%s", text);
	s->ev->to = saved;
}

/* What to put in for a missing end, or END_CHAR; a quote in a rule stays open. */
static int at_end(struct scanner *s)
{
	if (s->state == QST && s->angles) {
		complain(s, "553", "Unbalanced '\"'");
		return '"';
	}
	if (s->comment > 0) {
		complain(s, "553", "Unbalanced '('");
		return ')';
	}
	if (s->angle > 0) {
		complain(s, "553", "Unbalanced '<'");
		return '>';
	}
	return END_CHAR;
}

static int outside_quotes(struct scanner *s, int c)
{
	if (c == '(' && s->comments) {
		/* A comment parts what it stands between. */
		s->comment++;
		return s->comment == 1 ? ' ' : NO_CHAR;
	}
	if (c == ')' && s->comments) {
		if (s->comment > 0)
			s->comment--;
		else
			complain(s, "653", "Unbalanced ')'");
		return NO_CHAR;
	}
	if (s->comment > 0)
		return NO_CHAR;
	if (!s->angles)
		return c;
	if (c == '<') {
		size_t i = s->at;

		s->angle++;
		while (i < s->in.len && ascii_is_space(s->in.ptr[i]))
			i++;
		if (i < s->in.len && s->in.ptr[i] == '@')
			s->route = true;
	} else if (c == '>') {
		s->route = false;
		if (s->angle <= 0) {
			complain(s, "653", "Unbalanced '>'");
			return NO_CHAR;
		}
		s->angle--;
	}
	return c;
}

/* The next octet that counts, or NO_CHAR (nothing to store), or END_CHAR. */
static int next_char(struct scanner *s)
{
	int c;

	if (s->at < s->in.len) {
		c = (unsigned char)s->in.ptr[s->at++];
		/* The delimiter counts outside of comments and quotes only. */
		if (c == (unsigned char)s->delim && s->delim && s->comment <= 0 &&
		    s->state != QST) {
			if (s->angle <= 0) {
				s->at--;
				return END_CHAR;
			}
			/*
			 * A comma in "<a, b@c": the bracket was forgotten, not the end of
			 * the list.
			 */
			if (c == ',' && !s->route) {
				complain(s, "653", "Unbalanced '<'");
				s->at--;
				c = '>';
			}
		}
	} else {
		c = at_end(s);
		if (c == END_CHAR)
			return c;
	}
	if (s->escape) {
		s->escape = false;
		if (s->comment > 0)
			return NO_CHAR;
		/*
		 * "\!" outside of quotes means "!", which a csh user had to type so in a
		 * UUCP path.
		 */
		if (c != '!' || s->state == QST) {
			*s->q++ = '\\';
			*s->q++ = (char)c;
			return NO_CHAR;
		}
	}
	if (c == '\\')
		s->escape = true;
	else if (s->state != QST)
		c = outside_quotes(s, c);
	return c;
}

/* An operator of internal text, whose octet was just read. */
static struct cf_tok operator_token(struct scanner *s, int c)
{
	struct cf_tok t = {.op = (uint8_t)c};

	if (cf_op_has_arg(c) && s->at < s->in.len)
		t.arg = (uint8_t)s->in.ptr[s->at++];
	return t;
}

/* Reads on until a token is complete; *c is the octet that starts the next one, *op an operator. */
static void read_token(struct scanner *s, int *c, struct cf_tok *op)
{
	const uint8_t *types = s->ev->cf->types;

	s->tok = s->q;
	op->op = 0;
	for (;;) {
		int new;

		if (*c != NO_CHAR && !s->escape)
			*s->q++ = (char)*c;
		*c = next_char(s);
		if (*c == END_CHAR)
			return;
		if (*c == NO_CHAR)
			continue;
		/*
		 * An operator octet ends the current token and is one itself. CF_LITERAL
		 * in front takes the meaning from it: the octet behind is data.
		 */
		if ((*c & 0xe0) == 0x80 && s->state != QST) {
			if (*c != CF_LITERAL) {
				*op = operator_token(s, *c);
				s->state = OPR;
				*c = NO_CHAR;
				return;
			}
			*c = s->at < s->in.len ? (unsigned char)s->in.ptr[s->at++] : NO_CHAR;
			if (*c == NO_CHAR)
				continue;
		}
		new = states[s->state][*c == 0xff ? s->guard : types[*c]];
		s->state = new &TYPE;
		if (new &DROP)
			*c = NO_CHAR;
		if (new &CUT)
			return;
	}
}

static bool keep(struct scanner *s, struct cf_tok *tok, size_t *n, struct cf_tok t)
{
	if (*n == CF_ATOMS) {
		complain(s, "553 5.1.0", "prescan: too many tokens");
		return false;
	}
	tok[(*n)++] = t;
	return true;
}

static bool keep_text(struct scanner *s, struct cf_tok *tok, size_t *n)
{
	struct cf_tok t = {.p = s->tok, .len = (uint16_t)(s->q - s->tok)};
	struct cf *cf = s->ev->cf;

	if (s->q == s->tok)
		return true;
	/* The bounds are sendmail's, which keeps all tokens in one buffer, each with its NUL. */
	if ((size_t)(s->q - s->start) + *n + 1 > TEXT_MAX) {
		complain(s, "553 5.1.1", "Address too long");
		return false;
	}
	if (*n < CF_ATOMS && t.len > CF_NAME) {
		complain(s, "553 5.1.0", "prescan: token too long");
		return false;
	}
	/*
	 * Only while reading may words be added: an address must not be able to grow the
	 * table. A token that is no word has id 0 and matches no literal.
	 */
	t.id =
	    s->ev->building ? cf_word_add(cf, span_make(t.p, t.len)) : cf_word_find(cf, t.p, t.len);
	return keep(s, tok, n, t);
}

bool cf_scan(struct cf_eval *ev, struct span text, char delim, enum cf_scan_kind kind,
	     struct cf_tok *tok, size_t *n, struct span *rest)
{
	struct scanner s = {.ev = ev, .delim = delim, .state = ATM};
	int c = NO_CHAR;
	struct cf_tok op;

	*n = 0;
	s.in = span_head(text, span_index(text, '\0'));
	/* Comments in rules are text from level 9 on; "<" and ">" need not balance in a rule. */
	s.comments = kind == CF_SCAN_ADDRESS || ev->cf->level < 9;
	s.angles = kind != CF_SCAN_RULE;
	/* In an address it is any octet; elsewhere it makes one token with the next. */
	s.guard = kind == CF_SCAN_ADDRESS || (s.angles && ev->cf->level < 9) ? ATM : ONE;
	/* Room for every octet escaped and what at_end puts in. */
	s.start = s.q = arena_alloc(&ev->mem, s.in.len * 2 + 8);
	if (!s.q)
		return false;
	do {
		read_token(&s, &c, &op);
		if (!keep_text(&s, tok, n) || (op.op && !keep(&s, tok, n, op)))
			return false;
	} while (c != END_CHAR);
	if (rest)
		*rest = span_skip(s.in, s.at);
	return true;
}
