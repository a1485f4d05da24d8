/*
 * Whole addresses: parsing a recipient into mailer, host and user, and writing an
 * address as a mailer wants it; see cf/cf.h.
 *
 * The order of rulesets is the operations guide's (section 5.1.1): 3, 0, then
 * for the result 2, the mailer's R= and 4; for remote forms 3, 1 or 2, S= or R=, 4.
 */
#include <stdio.h>

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "cf/cf_addr.h"
#include "cf/cf_part.h"

/* The names that $@ of the error mailer may give instead of a number. */
static const struct {
	const char *name;
	int status;
} error_names[] = {
    {"usage", EXIT_USAGE},       {"nouser", EXIT_NOUSER},
    {"nohost", EXIT_NOHOST},     {"unavailable", EXIT_UNAVAILABLE},
    {"software", EXIT_SOFTWARE}, {"tempfail", EXIT_TEMPFAIL},
    {"protocol", EXIT_PROTOCOL}, {"config", EXIT_CONFIG},
};

/* The first failure counts, but one that may pass is no last word. */
static void set_status(struct cf_eval *ev, int status)
{
	if (!ev->status || ev->status == EXIT_TEMPFAIL)
		ev->status = status;
}

/*
 * 0x80 to 0x9f are the octets that stand for operators in internal text: an address that
 * brought one along could say $#, $& or $> to the rewriting. They are refused before the
 * address is rewritten, and shown as '?'.
 */
bool cf_addr_invalid(struct cf_eval *ev, struct span addr)
{
	struct span shown = span_head(addr, CF_NAME - 1);
	char mem[CF_NAME];
	bool eight = false;

	memcpy(mem, shown.ptr ? shown.ptr : "", shown.len);
	for (size_t i = 0; i < shown.len; i++) {
		if (((unsigned char)mem[i] & 0xe0) == 0x80) {
			mem[i] = '?';
			eight = true;
		}
	}
	if (addr.len > CF_NAME - 1) {
		struct span saved = ev->to;

		ev->to = saved.len ? shown : saved;
		cf_report(ev, "553 5.1.0", "Address \"%.*s\" too long (%d bytes max)",
			  (int)shown.len, mem, CF_NAME - 1);
		ev->to = saved;
		return true;
	}
	if (eight) {
		struct span saved = ev->to;

		set_status(ev, EXIT_USAGE);
		ev->to = SPAN("");
		cf_report(ev, "501 5.1.3", "8-bit character in mailbox address \"%.*s\"",
			  (int)shown.len, mem);
		ev->to = saved;
	}
	return eight;
}

/* The length of the enhanced status code "d.d.d" (RFC 3463) that s starts with, or 0. */
size_t cf_enhanced_length(struct span s)
{
	size_t i = 1;

	if (s.len < 5 || !strchr("245", s.ptr[0]) || s.ptr[1] != '.')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t from = ++i;

		while (i < s.len && i - from < 3 && ascii_is_digit(s.ptr[i]))
			i++;
		if (i == from || (part == 0 && (i == s.len || s.ptr[i] != '.')))
			return 0;
	}
	return i;
}

/* sendmail's exit status for "class.subject.detail". */
static int status_of_code(struct span s)
{
	/* A letter for each status from 64 on: of other details, then of 0, 1, 2 ... */
	static const char by_subject[][12] = {"F",         "FBDEAFODAE", "FFFFB", "H",
					      "FKLKLMLOF", "M",          "F",     "B"};
	struct span class = span_cut(&s, '.'), subject = span_cut(&s, '.');
	uint64_t row = 0, detail = 0;

	if (class.ptr[0] == '2')
		return 0;
	if (class.ptr[0] != '5')
		return class.ptr[0] == '4' ? EXIT_TEMPFAIL : EXIT_CONFIG;
	num_parse(subject, 99, &row);
	num_parse(s, 99, &detail);
	if (row > 7)
		row = 0;
	if (detail + 1 >= strlen(by_subject[row]))
		return by_subject[row][0] - 'A' + EXIT_USAGE;
	return by_subject[row][detail + 1] - 'A' + EXIT_USAGE;
}

/* The exit status that $@ of the error mailer asks for. */
static int error_status(struct span host)
{
	int v = 0;

	if (host.len == 0)
		return EXIT_UNAVAILABLE;
	if (span_index(host, '.') < host.len && host.ptr[0] != '.')
		return status_of_code(host);
	for (size_t i = 0; i < sizeof error_names / sizeof error_names[0]; i++)
		if (ascii_eq_nocase(span_str(error_names[i].name), host))
			return error_names[i].status;
	if (!ascii_is_digit(host.ptr[0]))
		return EXIT_UNAVAILABLE;
	for (; host.len && ascii_is_digit(host.ptr[0]) && v < 1000; host = span_skip(host, 1))
		v = v * 10 + (host.ptr[0] - '0');
	return v;
}

/* $#error: splits the text into reply code and message, and says it. */
static void error_mailer(struct cf_eval *ev, struct cf_addr *a)
{
	struct span t = cf_strip_quotes(ev, a->user);
	char code[16] = "553 5.3.0";
	size_t enh;

	set_status(ev, a->has_host ? error_status(a->host) : EXIT_UNAVAILABLE);
	a->is_error = true;
	/* Codes in front of the text become fields of the reply; without them it is 553 5.3.0. */
	if (t.len > 3 && strchr("245", t.ptr[0]) && ascii_is_digit(t.ptr[1]) &&
	    ascii_is_digit(t.ptr[2]) && t.ptr[3] == ' ') {
		memcpy(code, t.ptr, 3);
		code[3] = '\0';
		t = span_skip(t, 4);
		enh = cf_enhanced_length(t);
		if (enh && enh < t.len && t.ptr[enh] == ' ' && enh < sizeof code - 5) {
			code[3] = ' ';
			memcpy(code + 4, t.ptr, enh);
			code[4 + enh] = '\0';
			t = span_skip(t, enh + 1);
		}
	}
	a->code = arena_dup(&ev->mem, span_str(code));
	a->text = t;
	cf_report(ev, code, "%.*s", SPAN_ARG(t));
}

/* Ruleset 0 gave no mailer triple: a fault of the configuration, not of the address. */
static bool broken(struct cf_eval *ev, struct cf_addr *a, const char *what)
{
	struct span saved = ev->to;

	ev->to = SPAN("");
	if (what)
		cf_report(ev, "554 5.3.5", "buildaddr: %s", what);
	ev->to = saved;
	a->is_error = true;
	a->mailer = NULL;
	a->has_host = false;
	a->user = SPAN("");
	if (!ev->status)
		ev->status = EXIT_SOFTWARE;
	return false;
}

/* Mailers whose user starts with these belong to prog, *file*, *include*, by flag. */
static const struct cf_mailer *special_mailer(struct cf_eval *ev, const struct cf_mailer *m,
					      struct span user)
{
	if (user.len && user.ptr[0] == '"')
		user = span_skip(user, 1);
	if (user.len == 0)
		return m;
	if (user.ptr[0] == '|' && cf_mailer_flag(m, '|'))
		return cf_mailer_find(ev->cf, SPAN("prog"));
	if (user.ptr[0] == '/' && cf_mailer_flag(m, '/'))
		return cf_mailer_find(ev->cf, SPAN("*file*"));
	if (ascii_starts_nocase(user, SPAN(":include:")) && cf_mailer_flag(m, ':'))
		return cf_mailer_find(ev->cf, SPAN("*include*"));
	return m;
}

/* The user part through the recipient's rulesets, as buildaddr does. */
static void rewrite_user(struct cf_eval *ev, struct cf_addr *a, unsigned flags, struct cf_tok *tok,
			 size_t n)
{
	struct span folded;

	/* What goes wrong from here on is a mistake of the rules, not of the address. */
	ev->to = SPAN("");
	cf_macro_set(ev, 'h', a->has_host ? a->host : (struct span){NULL, 0});
	/* Before level 10 senders and headers were rewritten only when written out. */
	if (ev->cf->level >= 10 || flags == 0) {
		cf_rewrite(ev, tok, &n, 2);
		if (a->mailer->re > 0)
			cf_rewrite(ev, tok, &n, a->mailer->re);
	}
	cf_rewrite(ev, tok, &n, 4);
	a->user = cf_join_kept(ev, tok, n, '\0', CF_NAME + 2);
	/* Folded once, here, so that equal recipients are found equal later. */
	if (a->has_host && !cf_mailer_flag(a->mailer, 'h')) {
		folded = a->host;
		ascii_fold((char *)folded.ptr, folded.len);
		cf_macro_set(ev, 'h', folded);
	}
	if (!cf_mailer_flag(a->mailer, 'u')) {
		folded = a->user;
		ascii_fold((char *)folded.ptr, folded.len);
	}
}

bool cf_addr_build(struct cf_eval *ev, struct cf_tok *tok, size_t n, unsigned flags,
		   struct cf_addr *a)
{
	size_t host = 2, at;
	struct span mname;

	if (n < 2 || tok[0].op != CF_MAILER)
		return broken(ev, a, "no mailer in parsed address");
	mname = span_make(tok[1].p, tok[1].len);
	if (host < n && tok[host].op == CF_HOST)
		host++;
	else
		host = 0;
	for (at = host ? host : 2; at < n && tok[at].op != CF_USER; at++)
		;
	if (at == n)
		return broken(ev, a, "no user");
	a->has_host = host && at > host;
	if (a->has_host)
		a->host = cf_join_kept(ev, tok + host, at - host, '\0', CF_NAME + 1);
	at++;
	a->user = cf_join_kept(ev, tok + at, n - at, ' ', CF_NAME + 2);
	if (ascii_eq_nocase(mname, SPAN("error"))) {
		error_mailer(ev, a);
		return false;
	}
	a->mailer = cf_mailer_find(ev->cf, mname);
	if (!a->mailer) {
		char text[CF_NAME];

		snprintf(text, sizeof text, "unknown mailer %.*s", SPAN_ARG(mname));
		return broken(ev, a, text);
	}
	if (!a->has_host && !cf_mailer_flag(a->mailer, 'l'))
		return broken(ev, a, "no host");
	/* F=5: "@" in front of a local user keeps ruleset 5 away; it is no part of the name. */
	if (cf_mailer_flag(a->mailer, '5') && a->user.len && a->user.ptr[0] == '@')
		at++;
	a->mailer = special_mailer(ev, a->mailer, a->user);
	if (span_eq(a->mailer->name, SPAN("*include*"))) {
		/* The rest is a file name, which no ruleset touches. */
		a->user = span_skip(a->user, span_index(a->user, ':') + sizeof ":include:" - 1);
		return true;
	}
	memmove(tok, tok + at, (n - at) * sizeof *tok);
	rewrite_user(ev, a, flags, tok, n - at);
	return true;
}

/*
 * A user that could garble a terminal or a log, or that no mailer could take for one name, is
 * made printable, aloud. What is quoted or behind a backslash may be anything but an operator.
 */
static void check_user(struct cf_eval *ev, struct cf_addr *a)
{
	char *p = (char *)a->user.ptr;
	const char *wrong = NULL;
	bool quoted = false;

	for (size_t i = 0; i < a->user.len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (!quoted && (c < 0x20 || c == 0x7f || c == 0xff)) {
			wrong = "non-printable character";
			p[i] = '?';
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		if (c == '\\' && i + 1 == a->user.len) {
			wrong = "trailing \\ character";
			p[i] = '?';
			break;
		}
		if (c == '\\')
			i++;
		if (((unsigned char)p[i] & 0xe0) == 0x80) {
			wrong = "8-bit character";
			set_status(ev, EXIT_USAGE);
			p[i] = '?';
		}
	}
	ev->to = SPAN("");
	if (quoted)
		wrong = "unbalanced quote";
	a->is_bad = wrong != NULL;
	if (wrong)
		cf_report(ev, "501 5.1.3", "Syntax error in mailbox address \"%.*s\" (%s)",
			  SPAN_ARG(a->user), wrong);
}

static struct cf_tok *new_tokens(struct cf_eval *ev)
{
	return arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof(struct cf_tok));
}

bool cf_addr_parse(struct cf_eval *ev, struct span addr, unsigned flags, struct cf_addr *out)
{
	struct cf_tok *tok = new_tokens(ev);
	struct span saved = ev->to;
	bool ok;
	size_t n;

	*out = (struct cf_addr){0};
	ev->to = addr;
	ok = tok && cf_scan(ev, addr, '\0', CF_SCAN_ADDRESS, tok, &n, NULL) &&
	     !cf_addr_invalid(ev, addr) && n > 0;
	if (ok) {
		ev->to = saved;
		/* Both run even if a map was out of order: only the decision is put off. */
		int first = cf_rewrite(ev, tok, &n, 3), second = cf_rewrite(ev, tok, &n, 0);

		out->deferred = first == EXIT_TEMPFAIL || second == EXIT_TEMPFAIL;
		ev->to = addr;
		ok = cf_addr_build(ev, tok, n, flags, out);
		if (ok)
			check_user(ev, out);
		else
			out->is_bad = ev->status != EXIT_TEMPFAIL &&
				      !(out->code.len && out->code.ptr[0] == '4');
	}
	ev->to = saved;
	return ok;
}

/* An unset option is the default of the level: before 6 a colon was never a group's. */
bool cf_colon_ok(const struct cf *cf)
{
	struct span v = cf_option_get(cf, "ColonOkInAddr");

	return v.ptr ? v.len == 0 || strchr("TtYy", v.ptr[0]) : cf->level < 6;
}
