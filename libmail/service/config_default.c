/*
 * The configuration of a host without one; see service/config_part.h.
 *
 * Addresses of this host go to the local mailer, others to the relay, for local programs,
 * clients on the loopback and those who are authenticated.
 */
#include "service/config_part.h"
#include "service/smarthost.h"

static const char rules[] = "Troot daemon\n"
			    "Kdequote dequote\n"
			    "Scanonify=3\n"
			    "R$@\t\t\t$@ <@>\n"
			    "R$* < $* > $*\t\t$: $2\n"
			    "R$@\t\t\t$@ <@>\n"
			    "R@ $+ : $+\t\t$: $2\n"
			    "R$+ @ $+\t\t$: $1 < @ $2 >\n"
			    "R$+ < $+ @ $+ >\t\t$1 $2 < @ $3 >\n"
			    "R$+ < @ $+ . >\t\t$@ $1 < @ $2 >\n"
			    "Sfinal=4\n"
			    "R<@>\t\t\t$@\n"
			    "R$+ < @ $+ >\t\t$@ $1 @ $2\n"
			    "Sparse=0\n"
			    "R<@>\t\t\t$#error $@ 5.1.3 $: \"553 User address required\"\n"
			    "R$* < @ $* @ > $*\t$#error $@ 5.1.3 $: \"553 Invalid host name\"\n"
			    "R$+ < @ $=w >\t\t$#local $: $1\n"
			    "R$+ < @ $+ >\t\t$#relay $@ ";

/* Behind the host. */
static const char more_rules[] =
    " $: $1 < @ $2 >\n"
    "R$+\t\t\t$#local $: $1\n"
    "Slocaladdr=5\n"
    "R$+ + $*\t\t$#local $@ $2 $: $1\n"
    "Scheck_rcpt\n"
    "R$*\t\t\t$: $>canonify $1\n"
    "R$+ < @ $=w >\t\t$@ OK\n"
    "R$+ < @ $+ >\t\t$: <?> $&{client_addr} $| $&{auth_authen}\n"
    "R<?> $| $*\t\t$@ RELAY\n"
    "R<?> $+ $| $+\t\t$@ RELAY\n"
    "R<?> 127. $+ $|\t\t$@ RELAY\n"
    "R<?> IPv6:0:0:0:0:0:0:0:1 $|\t$@ RELAY\n"
    "R<?> IPv6:::1 $|\t$@ RELAY\n"
    "R<?> $*\t\t\t$#error $@ 5.7.1 $: \"550 Relaying denied\"\n"
    "Mlocal, P=letterbox, F=lsDFMAw5:/|@qmnuz9, T=DNS/RFC822/X-Unix, A=deliver $u\n"
    "Mrelay, P=[IPC], E=\\r\\n, T=DNS/RFC822/SMTP, F=mDFMuXa8";

/* Names stand in C lines; what could end the line or begin another word is not one. */
static void put_names(struct span names, struct buf *out)
{
	while (names.len) {
		struct span word = span_cut(&names, ' ');

		if (word.len && span_index(word, '\n') == word.len &&
		    span_index(word, '$') == word.len)
			buf_printf(out, "Cw%.*s\n", SPAN_ARG(word));
	}
}

/* The smart host, or the domain itself: its mail exchangers are looked up. */
static void put_relay(const struct settings *s, struct buf *out)
{
	struct smarthost relay = {.port = 0};
	struct err e;
	bool smart = s->relay[0] && smarthost_parse(span_str(s->relay), &relay, &e);
	bool path = relay.hosts[0] == '/';

	buf_puts(out, smart && !path ? relay.hosts : "$2");
	buf_puts(out, more_rules);
	if (path)
		buf_printf(out, "z, A=FILE %s\n", relay.hosts);
	else if (smart)
		buf_printf(out, "%s, A=TCP $h %u\n", relay.protocol == MTA_LMTP ? "z" : "",
			   relay.port);
	else
		buf_puts(out, ", A=TCP $h\n");
}

void config_put_default(const struct settings *s, struct buf *out)
{
	buf_puts(out, "V10\nCwlocalhost\nO OperatorChars=.:%@!^/[]+\nDj");
	buf_put(out, span_str(s->hostname));
	buf_putc(out, '\n');
	put_names(span_str(s->hostname), out);
	put_names(span_str(s->local), out);
	buf_puts(out, rules);
	put_relay(s, out);
}
