/*
 * sendmail -bt: messages, traces and dumps; see sendmail_test_part.h.
 *
 * Spacing and wording are sendmail 8.17's, octet for octet.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "sendmail_test_part.h"
#include "sys/fs.h"

enum { OUT_FLUSH = 32768 }; /* octets gathered before they are written */

void sendmail_test_flush(struct sendmail_test *t)
{
	fwrite(t->out.ptr, 1, t->out.len, stdout);
	fflush(stdout);
	buf_reset(&t->out);
}

/* Traces of a large configuration are long: written when enough is gathered. */
void sendmail_test_say(struct sendmail_test *t, struct span s)
{
	if (t->out.len > OUT_FLUSH)
		sendmail_test_flush(t);
	buf_put(&t->out, s);
}

void sendmail_test_say_str(struct sendmail_test *t, const char *s)
{
	sendmail_test_say(t, span_str(s));
}

/* The text of a message without octets that are no text. */
static void put_message(struct buf *b, struct span s)
{
	/*
	 * Operators vanish from messages and 8-bit octets lose their high bit, as in
	 * sendmail's output.
	 */
	for (; s.len; s = span_skip(s, 1)) {
		unsigned char c = (unsigned char)s.ptr[0];

		if ((c & 0xe0) == 0x80)
			continue;
		buf_putc(b, (char)(c & 0x7f));
	}
}

/* A name in a message is cut in the middle when it is long. */
static void put_shortened(struct buf *b, struct span s)
{
	enum { LONGEST = 203, KEPT = 100 };

	if (s.len <= LONGEST) {
		put_message(b, s);
		return;
	}
	put_message(b, span_head(s, KEPT));
	buf_puts(b, "...");
	put_message(b, span_skip(s, s.len - KEPT));
}

void sendmail_test_report(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct sendmail_test *t = ctx;
	struct buf b;

	/* Room for the address, the text and what is between. */
	buf_init(&b, CF_LINE * 3);
	/* As in 551, the address is not named when the text is about another one. */
	if (!line && code[0] && t->ev.to.len && memcmp(code + 1, "51", 2) != 0) {
		put_shortened(&b, t->ev.to);
		buf_puts(&b, "... ");
	}
	put_message(&b, text);
	buf_putc(&b, '\n');
	/* A mistake in the file goes to standard error with its place, all else to the output. */
	if (line) {
		fprintf(stderr, "%s: line %u: %.*s", t->path, (unsigned)line,
			SPAN_ARG(buf_span(&b)));
	} else {
		/* The first error of the configuration decides; a bad address, or no answer, is
		 * none. */
		if (!t->ev.status && !t->ev.building && (!code[0] || memcmp(code, "554", 3) == 0) &&
		    !span_ends(text, SPAN("Name server timeout")))
			t->ev.status = EXIT_SOFTWARE;
		sendmail_test_say(t, buf_span(&b));
	}
	buf_free(&b);
}

/* The numbers of -d84 are those of the internal text, for comparing with sendmail's source. */
static void put_tokens(struct sendmail_test *t, const struct cf_tok *tok, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_putc(&t->out, ' ');
		if (tok[i].op && t->debug[DEBUG_HEX])
			buf_printf(&t->out, tok[i].arg ? " 0x%02x %c" : " 0x%02x ", tok[i].op,
				   tok[i].arg);
		else
			cf_show_tok(&t->cf, &tok[i], &t->out);
	}
}

/* Internal text; with -d84 operators as numbers. */
void sendmail_test_show(struct sendmail_test *t, struct span s)
{
	if (!t->debug[DEBUG_HEX]) {
		cf_show(&t->cf, s, &t->out);
		return;
	}
	for (; s.len; s = span_skip(s, 1)) {
		if (((unsigned char)s.ptr[0] & 0xe0) == 0x80)
			buf_printf(&t->out, " 0x%02x ", (unsigned char)s.ptr[0]);
		else
			cf_show(&t->cf, span_head(s, 1), &t->out);
	}
}

void sendmail_test_show_cracked(struct sendmail_test *t, struct span addr, struct span cracked)
{
	if (!t->debug[DEBUG_CRACK])
		return;
	buf_printf(&t->out, "crackaddr(%.*s)\ncrackaddr=>`", SPAN_ARG(addr));
	sendmail_test_show(t, cracked);
	buf_puts(&t->out, "'\n");
}

static void trace_rules(struct sendmail_test *t, const struct cf_trace *s)
{
	/*
	 * The level of -d21 at which each step shows is checked by the engine; line
	 * numbers come with 15.
	 */
	switch (s->step) {
	case CF_STEP_TRYING:
		if (t->ev.debug >= 15)
			buf_printf(&t->out, "-----trying rule (line %u):", (unsigned)s->rule->line);
		else
			buf_puts(&t->out, "-----trying rule:");
		break;
	case CF_STEP_FAILS:
		buf_puts(&t->out, "----- rule fails\n");
		return;
	case CF_STEP_MATCHES:
		buf_puts(&t->out, "-----rule matches:");
		break;
	case CF_STEP_REWRITTEN:
		buf_puts(&t->out, "rewritten as:");
		break;
	default:
		return;
	}
	put_tokens(t, s->tok, s->n);
	buf_putc(&t->out, '\n');
}

static void trace(struct sendmail_test *t, const struct cf_trace *s)
{
	/* Columns of 16, and the name is cut to fit. */
	struct span name = span_head(s->name, 16);

	if (t->out.len > OUT_FLUSH)
		sendmail_test_flush(t);
	if (s->step == CF_STEP_CRACKED) {
		sendmail_test_show_cracked(t, s->name, s->text);
		return;
	}
	if (s->step == CF_STEP_SKIPPED) {
		buf_printf(&t->out, "-----skip subr %.*s (%d)\n", SPAN_ARG(s->name),
			   cf_ruleset_id(&t->ev, s->name, false, NULL));
		return;
	}
	if (s->step == CF_STEP_MACRO_LEFT || s->step == CF_STEP_MACRO_RIGHT) {
		buf_puts(&t->out,
			 s->step == CF_STEP_MACRO_LEFT ? "rewrite: LHS $&{" : "rewrite: RHS $&{");
		if (t->cf.long_name[s->status].len)
			buf_put(&t->out, t->cf.long_name[s->status]);
		else
			buf_putc(&t->out, (char)s->status);
		buf_puts(&t->out, "} => \"");
		if (s->text.ptr)
			buf_put(&t->out, s->text);
		else
			buf_puts(&t->out, "(NULL)");
		buf_puts(&t->out, "\"\n");
		return;
	}
	if (s->step == CF_STEP_LOOKUP || s->step == CF_STEP_FOUND || s->step == CF_STEP_MISSING) {
		if (s->step == CF_STEP_LOOKUP)
			buf_printf(&t->out, "map_lookup(%.*s, ", SPAN_ARG(s->map->name));
		else
			buf_puts(&t->out, s->step == CF_STEP_FOUND ? "" : "NOT FOUND ");
		cf_show(&t->cf, s->text, &t->out);
		if (s->step == CF_STEP_FOUND)
			buf_putc(&t->out, ' ');
		for (int i = 0; t->ev.debug_maps >= 5 && s->args && s->args[i].ptr; i++)
			buf_printf(&t->out, ", %%%d=%.*s", i, SPAN_ARG(s->args[i]));
		if (s->step == CF_STEP_LOOKUP)
			buf_puts(&t->out, ") => ");
		else
			buf_printf(&t->out, "(%d), ad=0\n", s->status);
		return;
	}
	if (s->step != CF_STEP_INPUT && s->step != CF_STEP_RETURNS) {
		trace_rules(t, s);
		return;
	}
	buf_put(&t->out, name);
	buf_put(&t->out, span_make("                ", 16 - name.len));
	buf_puts(&t->out, s->step == CF_STEP_INPUT ? "   input:" : " returns:");
	put_tokens(t, s->tok, s->n);
	buf_putc(&t->out, '\n');
}

/* With -D a trace is not among the answers: what was gathered goes out before it. */
void sendmail_test_trace(void *ctx, const struct cf_trace *s)
{
	struct sendmail_test *t = ctx;

	if (t->trace_fd < 0) {
		trace(t, s);
		return;
	}
	sendmail_test_flush(t);
	trace(t, s);
	fs_write(t->trace_fd, buf_span(&t->out));
	buf_reset(&t->out);
}
