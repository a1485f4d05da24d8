/*
 * Replies as the SMTP client machine reads them; see proto/smtp_client_priv.h.
 *
 * RFC 5321 4.2 (form), 4.2.1 (multi-line), 4.1.1.1 (EHLO), 2034 and 3463 (status).
 * Everything here was written by the server: lengths, lines and digits are checked,
 * text is cut and made printable before anybody else sees it.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "proto/smtp_client_priv.h"

static bool parse_code(struct span line, int *code)
{
	uint64_t n;

	if (line.len < 3 || !num_parse(span_head(line, 3), 599, &n) || n < 200)
		return false;
	if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
		return false;
	*code = (int)n;
	return true;
}

/*
 * Cuts "x.y.z" of the reply's own class off the text; false when there is none.  A status of
 * another class contradicts the code, which then counts alone.
 */
static bool take_status(struct span *text, int code, char status[static ERR_STATUS_MAX])
{
	struct span rest = *text, word = span_cut(&rest, ' '), digits = word;
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		struct span part = span_cut(&digits, '.');

		if (part.len > 3 || !num_parse(part, 999, &n))
			return false;
		if (i == 0 && (part.len != 1 || n != (uint64_t)code / 100))
			return false;
	}
	if (digits.len || !span_to_cstr(word, status, ERR_STATUS_MAX))
		return false;
	*text = rest;
	return true;
}

/*
 * What a code says by itself, for servers without enhanced status codes: chosen by RFC 3463
 * and by what such servers mean.
 */
static const char *default_status(int code)
{
	static const struct {
		int code;
		char status[6];
	} table[] = {
	    {421, "4.3.2"}, {450, "4.2.0"},  {452, "4.3.1"}, {454, "4.7.0"}, {500, "5.5.2"},
	    {501, "5.5.4"}, {502, "5.5.1"},  {503, "5.5.1"}, {504, "5.5.4"}, {521, "5.3.2"},
	    {530, "5.7.0"}, {535, "5.7.8"},  {551, "5.1.6"}, {552, "5.2.2"}, {553, "5.1.3"},
	    {555, "5.5.4"}, {556, "5.1.10"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].code == code)
			return table[i].status;
	return code < 300 ? "2.0.0" : code < 400 ? "" : code < 500 ? "4.0.0" : "5.0.0";
}

/* One printable line for all of a reply's lines, cut at what the record holds. */
static void append_text(struct err *e, struct span text)
{
	size_t len = strnlen(e->text, sizeof e->text - 1);

	if (len > 0 && text.len > 0 && len < sizeof e->text - 1)
		e->text[len++] = ' ';
	for (size_t i = 0; i < text.len && len < sizeof e->text - 1; i++)
		e->text[len++] = ascii_is_print(text.ptr[i]) ? text.ptr[i] : '?';
	e->text[len] = '\0';
}

/* Cut rather than refused: the mechanisms that matter stand in front. */
static void note_auth(struct smtp_client *c, struct span mechs)
{
	mechs = span_trim(mechs);
	if (!span_to_cstr(mechs, c->auth, sizeof c->auth))
		(void)span_to_cstr(span_head(mechs, sizeof c->auth - 1), c->auth, sizeof c->auth);
	err_printable(c->auth);
	c->keywords |= SMTP_KW_AUTH;
}

static void note_keyword(struct smtp_client *c, struct span line)
{
	static const struct {
		struct span word;
		uint32_t bit;
	} table[] = {
	    {{"8BITMIME", 8}, SMTP_KW_8BITMIME},
	    {{"DSN", 3}, SMTP_KW_DSN},
	    {{"PIPELINING", 10}, SMTP_KW_PIPELINING},
	    {{"SIZE", 4}, SMTP_KW_SIZE},
	    {{"SMTPUTF8", 8}, SMTP_KW_SMTPUTF8},
	    {{"STARTTLS", 8}, SMTP_KW_STARTTLS},
	    {{"VERB", 4}, SMTP_KW_VERB},
	    {{"DELIVERBY", 9}, SMTP_KW_DELIVERBY},
	    {{"ENHANCEDSTATUSCODES", 19}, SMTP_KW_STATUS},
	};
	struct span rest = span_trim(line), word = span_cut(&rest, ' ');

	/* "AUTH=..." is what servers said before the RFC. */
	if (ascii_eq_nocase(word, SPAN("AUTH")))
		note_auth(c, rest);
	else if (ascii_starts_nocase(word, SPAN("AUTH=")) && !(c->keywords & SMTP_KW_AUTH))
		note_auth(c, span_skip(span_trim(line), 5));
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (ascii_eq_nocase(word, table[i].word))
			c->keywords |= table[i].bit;
	/* No number, or 0: no limit is known (RFC 1870 section 4). */
	if (ascii_eq_nocase(word, SPAN("SIZE")))
		(void)num_parse(span_trim(rest), INT64_MAX, &c->size_max);
}

static enum smtp_client_reply bad(struct smtp_client *c, const char *what)
{
	err_temp(&c->err, "4.5.0", "Protocol error: %s", what);
	c->lines = 0;
	return SMTP_REPLY_BAD;
}

enum smtp_client_reply smtp_client_reply_line(struct smtp_client *c, struct span line)
{
	struct err *e = &c->err;
	char status[ERR_STATUS_MAX];
	struct span text = span_skip(line, 4);
	bool more = line.len > 3 && line.ptr[3] == '-';
	int code;

	if (!parse_code(line, &code))
		return bad(c, "not a reply");
	/* RFC 5321 4.2.1; believing either code could lose mail */
	if (c->lines > 0 && code != c->code)
		return bad(c, "reply with two codes");
	if (c->lines == SMTP_CLIENT_LINES_MAX)
		return bad(c, "endless reply");
	if (c->lines == 0) {
		*e = (struct err){.class = code < 400   ? ERR_NONE
					   : code < 500 ? ERR_TEMP
							: ERR_PERM};
		c->code = code;
		(void)span_to_cstr(span_str(default_status(code)), e->status, sizeof e->status);
		c->default_status = !take_status(&text, code, status);
		if (!c->default_status)
			memcpy(e->status, status, sizeof status);
	} else {
		/* The first line of an EHLO reply is the greeting, not a keyword. */
		if (c->state == SMTP_CL_EHLO && code == 250)
			note_keyword(c, text);
		(void)take_status(&text, code, status);
	}
	append_text(e, text);
	c->text = text;
	c->lines = more ? c->lines + 1 : 0;
	return more ? SMTP_REPLY_PART : SMTP_REPLY_WHOLE;
}
