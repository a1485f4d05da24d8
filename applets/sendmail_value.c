/*
 * Values of the sendmail applet's options; see sendmail.h.
 *
 * Texts and statuses of refusals are sendmail's, on standard output as it writes them.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "format/xtext.h"
#include "proto/smtp_server.h"
#include "sendmail.h"

int sendmail_refuse(const char *before, const char *value, const char *behind)
{
	printf("%s%s%s\n", before, value, behind);
	return EXIT_USAGE;
}

/* RFC 3461 section 4.1: NEVER stands alone. */
int sendmail_set_notify(struct sendmail *m, const char *value)
{
	static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
	struct span list = span_str(value);

	m->notify = SMTP_NOTIFY_NEVER;
	if (ascii_eq_nocase(list, SPAN("never")))
		return 0;
	m->notify = 0;
	do {
		struct span word = span_trim(span_cut(&list, ','));
		unsigned i = 0;

		while (i < 3 && !ascii_eq_nocase(word, span_str(words[i])))
			i++;
		if (i == 3)
			return sendmail_refuse("Invalid -N argument", "", "");
		m->notify |= SMTP_NOTIFY_SUCCESS << i;
	} while (list.len);
	return 0;
}

int sendmail_set_ret(struct sendmail *m, const char *value)
{
	struct span v = span_str(value);

	if (ascii_eq_nocase(v, SPAN("full")))
		m->ret = 'F';
	else if (ascii_eq_nocase(v, SPAN("hdrs")))
		m->ret = 'H';
	else
		return sendmail_refuse("Invalid -R value", "", "");
	return 0;
}

/* sendmail goes on after a wrong body type and fails at the end. */
int sendmail_set_body(struct sendmail *m, const char *value, int *late)
{
	struct span v = span_str(value);

	if (ascii_eq_nocase(v, SPAN("8bitmime")))
		m->body = '8';
	else if (ascii_eq_nocase(v, SPAN("7bit")))
		m->body = '7';
	else
		*late = sendmail_refuse("Illegal body type ", value, "");
	return 0;
}

int sendmail_set_hops(const char *value)
{
	uint64_t hops;

	return num_parse(span_str(value), 100, &hops)
		   ? 0
		   : sendmail_refuse("Bad hop count (", value, ")");
}

/* -V: an envelope identifier, written as xtext (RFC 3461 section 4.4). */
int sendmail_set_envid(struct sendmail *m, const char *value)
{
	m->envid = value;
	return xtext_is_valid(span_str(value))
		   ? 0
		   : sendmail_refuse("Invalid syntax in -V flag", "", "");
}

/* -f and -r are the same; given twice with one value is what some scripts do. */
int sendmail_set_sender(struct sendmail *m, const char *value, char letter)
{
	if (m->from && strcmp(m->from, value) != 0)
		return sendmail_refuse("More than one \"from\" person", "", "");
	m->from = value;
	m->from_letter = letter;
	return 0;
}

/* What stands in a Received field must not be able to end it: as sendmail, "_" for the rest. */
static void put_clean(struct span s, char *out, size_t cap)
{
	size_t n = 0;

	for (; n < s.len && n + 1 < cap; n++) {
		char c = s.ptr[n];
		bool good = ascii_is_alnum(c) || (c && strchr("!#$%&'*+-./^_`{|}~", c));

		out[n] = good ? c : '_';
	}
	out[n] = '\0';
}

/* -pUUCP:host says by what protocol, and from where, the message came to the caller. */
void sendmail_set_protocol(struct sendmail *m, const char *value)
{
	struct span host = span_str(value), protocol = span_cut(&host, ':');

	put_clean(protocol, m->protocol, sizeof m->protocol);
	put_clean(host, m->host, sizeof m->host);
}
