/*
 * From the configuration of another mailer to a definition file; see cf/cfgen_from.h.
 *
 * A table says for each key of each format which variable it becomes, or which part of the
 * relay's address. What becomes of no variable is printed as a comment: nothing gets lost silently.
 */
#include "cf/cfgen_from.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "cf/cfgen.h"
#include "cf/cfgen_from_part.h"

static const struct cfgen_from_row rows[] = {
    {SSMTP, HOST, "mailhub", ""},
    {SSMTP, DOMAINS, "rewritedomain", "FROM_ADDRESS"},
    {SSMTP, DOMAINS, "hostname", "OFFICIAL_NAME"},
    {SSMTP, USER, "authuser", ""},
    {SSMTP, COPY, "authpass", "RELAY_PASSWORD"},
    {SSMTP, SMTPS, "usetls", ""},
    {SSMTP, STARTTLS, "usestarttls", ""},
    {SSMTP, COPY, "tls_ca_file", "TLS_CA"},
    {SSMTP, COPY, "tlscert", "TLS_CERT"},
    {SSMTP, COPY, "tlskey", "TLS_KEY"},
    {SSMTP, NOTHING, "fromlineoverride", ""},
    {MSMTP, HOST, "host", ""},
    {MSMTP | DMA, PORT, "port", ""},
    {MSMTP, USER, "user", ""},
    {MSMTP, COPY, "password", "RELAY_PASSWORD"},
    {MSMTP, STARTTLS, "tls", ""},
    {MSMTP, STARTTLS_NO, "tls_starttls", ""},
    {MSMTP, COPY, "tls_trust_file", "TLS_CA"},
    {MSMTP, COPY, "tls_cert_file", "TLS_CERT"},
    {MSMTP, COPY, "tls_key_file", "TLS_KEY"},
    {MSMTP, COPY, "maildomain", "FROM_ADDRESS"},
    {MSMTP, COPY, "domain", "OFFICIAL_NAME"},
    {MSMTP, COPY, "aliases", "ALIAS_FILE_PATH"},
    {MSMTP, NOTHING, "auth", ""},
    {MSMTP, NOTHING, "syslog", ""},
    {DMA, HOST, "smarthost", ""},
    {DMA, COPY, "aliases", "ALIAS_FILE_PATH"},
    {DMA, COPY, "spooldir", "QUEUE_DIR"},
    {DMA, COPY, "certfile", "TLS_CERT"},
    {DMA, DOMAINS, "mailname", "OFFICIAL_NAME"},
    {DMA, DOMAINS, "masquerade", "FROM_ADDRESS"},
    {DMA, SMTPS, "securetransfer", ""},
    {DMA, STARTTLS, "starttls", ""},
    {DMA, NULLCLIENT, "nullclient", ""},
    {NULLMAILER, COPY, "me", "OFFICIAL_NAME"},
    {NULLMAILER, DOMAINS, "defaulthost", "FROM_ADDRESS"},
    {NULLMAILER, COPY, "defaultdomain", "MY_DOMAIN"},
    {NULLMAILER, REMOTE, "remotes", ""},
    {NULLMAILER, NOTHING, "helohost", ""},
    {POSTFIX, COPY, "myhostname", "OFFICIAL_NAME"},
    {POSTFIX, COPY, "mydomain", "MY_DOMAIN"},
    {POSTFIX, DOMAINS, "myorigin", "FROM_ADDRESS"},
    {POSTFIX, DOMAINS, "mydestination", "ACCEPT_ADDRS"},
    {POSTFIX, HOST, "relayhost", ""},
    {POSTFIX, NETWORKS, "mynetworks", "ALLOW_RELAY_FROM"},
    {POSTFIX, DOMAINS, "relay_domains", "ALLOW_RELAY_TO"},
    {POSTFIX, DOMAINS, "masquerade_domains", "MASQUERADE_DOMAINS"},
    {POSTFIX, DOMAINS, "virtual_alias_domains", "VIRTUAL_DOMAINS"},
    {POSTFIX, COPY, "virtual_alias_maps", "VIRTUAL_MAP"},
    {POSTFIX, FILE_OF, "alias_maps", "ALIAS_FILE_PATH"},
    {POSTFIX, COPY, "queue_directory", "QUEUE_DIR"},
    {POSTFIX, COPY, "message_size_limit", "MAX_MESSAGE_SIZE"},
    {POSTFIX, COPY, "smtpd_recipient_limit", "MAX_RECIPIENTS"},
    {POSTFIX, COPY, "smtpd_tls_cert_file", "TLS_CERT"},
    {POSTFIX, COPY, "smtpd_tls_key_file", "TLS_KEY"},
    {POSTFIX, COPY, "smtp_tls_cafile", "TLS_CA"},
    {POSTFIX, TLS_LEVEL, "smtp_tls_security_level", ""},
    {POSTFIX, STARTTLS, "smtp_enforce_tls", ""},
    {POSTFIX, LISTENERS, "inet_interfaces", "LISTEN"},
    {POSTFIX, MILTER, "smtpd_milters", "MILTERS"},
    {POSTFIX, NOTHING, "compatibility_level", ""},
    {POSTFIX, NOTHING, "alias_database", ""},
    {POSTFIX, NOTHING, "recipient_delimiter", ""},
    {POSTFIX, NOTHING, "biff", ""},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct {
	const char *name, *path;
	unsigned kind;
	char divider; /* between key and value: blanks, or this */
} kinds[] = {
    {"ssmtp.conf", "/etc/ssmtp/ssmtp.conf", SSMTP, '='},
    {"msmtprc", "/etc/msmtprc", MSMTP, ' '},
    {"dma.conf", "/etc/dma/dma.conf", DMA, ' '},
    {"nullmailer", "/etc/nullmailer", NULLMAILER, ' '},
    {"main.cf", "/etc/postfix/main.cf", POSTFIX, '='},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

enum { ACCOUNTS = 8 };

struct reader {
	unsigned kind;
	struct span host, port, user;
	bool tls, smtps, implicit, null_client;
	struct span accounts[ACCOUNTS]; /* msmtp: the one that counts, and what it builds on */
	bool skip;                      /* in another account */
	/* Lines as comments: without equivalent, needed for nothing, of the relay's address. */
	struct buf *out, left, moot, relay;
};

static void put_comment(struct buf *out, struct span line, uint32_t number)
{
	buf_printf(out, "# %u: ", (unsigned)number);
	for (size_t i = 0; i < line.len; i++)
		buf_putc(out, ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?');
	buf_putc(out, '\n');
}

const char *cfgen_from_path(struct span kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (span_eq(kind, span_str(kinds[i].name)))
			return kinds[i].path;
	return NULL;
}

static bool is_on(struct span v)
{
	return v.len == 0 || ascii_eq_nocase(v, SPAN("yes")) || ascii_eq_nocase(v, SPAN("on")) ||
	       ascii_eq_nocase(v, SPAN("true"));
}

/* The port stands behind a last colon that no bracket follows. */
static void take_host(struct reader *r, struct span v)
{
	size_t at = v.len;

	while (at > 0 && v.ptr[at - 1] != ':' && v.ptr[at - 1] != ']')
		at--;
	if (at > 1 && v.ptr[at - 1] == ':') {
		r->port = span_skip(v, at);
		v = span_head(v, at - 1);
	}
	r->host = v;
}

static bool option_is(struct span word, const char *name, struct span *value)
{
	if (!span_starts(word, span_str(name)))
		return false;
	*value = span_skip(word, strlen(name));
	return true;
}

/* Of several remotes the first counts: there is one relay. */
static bool take_remote(struct reader *r, struct span v)
{
	struct span word, password;

	if (r->host.len)
		return false;
	r->null_client = true;
	r->host = cfgen_from_word(&v);
	while ((word = cfgen_from_word(&v)).len) {
		if (option_is(word, "--port=", &r->port) || option_is(word, "--user=", &r->user) ||
		    span_eq(word, SPAN("smtp")) || span_eq(word, SPAN("--auth-login")))
			continue;
		if (option_is(word, "--pass=", &password))
			cfgen_assign(SPAN("RELAY_PASSWORD"), password, r->out);
		else if (span_eq(word, SPAN("--starttls")))
			r->tls = true;
		else if (span_eq(word, SPAN("--ssl")))
			r->smtps = true;
		else
			return false;
	}
	return true;
}

/* Where the line is to be shown as a comment; NULL: a variable says it. */
static struct buf *take_value(struct reader *r, const struct cfgen_from_row *row, struct span v)
{
	char mem[4096];
	struct buf value;

	buf_init_fixed(&value, mem, sizeof mem);
	if (!cfgen_from_value(row, v, &value) || !buf_ok(&value))
		return &r->left;
	if (value.len == 0)
		return &r->moot;
	cfgen_assign(span_str(row->variable), buf_span(&value), r->out);
	return NULL;
}

static struct buf *take_row(struct reader *r, const struct cfgen_from_row *row, struct span v)
{
	switch ((enum act)row->act) {
	case HOST:
		take_host(r, v);
		return &r->relay;
	case PORT:
		r->port = v;
		return &r->relay;
	case USER:
		r->user = v;
		return &r->relay;
	case STARTTLS:
		/* In main.cf the level is stronger. */
		r->tls = is_on(v) || (r->tls && r->kind == POSTFIX);
		return &r->relay;
	case SMTPS:
		r->smtps = is_on(v);
		return &r->relay;
	case STARTTLS_NO:
		r->implicit = !is_on(v);
		return &r->relay;
	case TLS_LEVEL:
		r->tls |= !ascii_eq_nocase(v, SPAN("none")) && !ascii_eq_nocase(v, SPAN("may"));
		return &r->relay;
	case NULLCLIENT:
		r->null_client = true;
		return &r->relay;
	case REMOTE:
		return take_remote(r, v) ? NULL : &r->left;
	case NOTHING:
		return &r->moot;
	default:
		return take_value(r, row, v);
	}
}

static bool counts(const struct reader *r, struct span account)
{
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (r->accounts[i].len && span_eq(r->accounts[i], account))
			return true;
	return false;
}

/* "account NAME", "account NAME : BASE" and "defaults" start sections in msmtp's file. */
static bool is_section(struct reader *r, struct span key, struct span v)
{
	struct span name = cfgen_from_word(&v);

	if (r->kind != MSMTP)
		return false;
	if (ascii_eq_nocase(key, SPAN("defaults")))
		r->skip = false;
	else if (ascii_eq_nocase(key, SPAN("account")))
		r->skip = !counts(r, name);
	else
		return false;
	return true;
}

static void take_line(struct reader *r, char divider, struct span line, uint32_t number)
{
	struct span key, v = line;
	struct buf *where;
	size_t i;
	bool printable = true;

	for (i = 0; i < line.len; i++)
		printable =
		    printable && (ascii_is_print(line.ptr[i]) || memchr("\t\n", line.ptr[i], 2));
	if (divider == '=') {
		key = span_trim(span_cut(&v, '='));
	} else {
		key = cfgen_from_word(&v);
	}
	v = span_trim(v);
	if (v.len > 1 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
		v = span_make(v.ptr + 1, v.len - 2);
	if (printable && is_section(r, key, v))
		return;
	for (i = 0; i < ROWS; i++)
		if ((rows[i].kinds & r->kind) && ascii_eq_nocase(key, span_str(rows[i].key)))
			break;
	where = &r->left;
	if (printable && !r->skip && i < ROWS)
		where = take_row(r, &rows[i], v);
	if (where)
		put_comment(where, line, number);
}

/* "account NAME : BASE": the base, or nothing. */
static struct span base_of(struct span text, struct span name)
{
	struct span found = {NULL, 0};

	while (text.len) {
		struct span line = span_cut(&text, '\n'), key = cfgen_from_word(&line);
		size_t colon = span_index(line, ':');

		if (span_eq(key, SPAN("account")) && colon < line.len &&
		    span_eq(span_trim(span_head(line, colon)), name))
			found = span_trim(span_skip(line, colon + 1));
	}
	return found;
}

/* The account that msmtp uses when it is told none. */
static void find_accounts(struct reader *r, struct span text)
{
	struct span name = SPAN("default");

	for (size_t i = 0; i < ACCOUNTS && name.len; i++) {
		r->accounts[i] = name;
		name = base_of(text, name);
	}
}

/* The relay's parts as one address, if they make one. */
static void put_relay(struct reader *r, struct buf *out)
{
	struct buf url;
	bool smtps = (r->smtps && !r->tls) || (r->implicit && r->tls);
	const char *scheme = smtps ? "smtps://" : r->tls ? "smtp://" : "";
	struct span first, rest;

	if (!*scheme && r->user.len)
		scheme = "smtp+plain://";
	buf_init(&url, 4096);
	buf_puts(&url, scheme);
	if (r->user.len)
		buf_printf(&url, "%.*s@", SPAN_ARG(r->user));
	buf_put(&url, r->host);
	if (r->port.len)
		buf_printf(&url, ":%.*s", SPAN_ARG(r->port));
	rest = buf_span(&url);
	first = cfgen_from_word(&rest);
	if (r->host.len && first.len == url.len) {
		buf_put(out, buf_span(&r->relay));
		cfgen_assign(r->null_client ? SPAN("NULL_CLIENT") : SPAN("DEFAULT_RELAY"), first,
			     out);
	} else {
		buf_put(&r->left, buf_span(&r->relay));
	}
	buf_free(&url);
}

static void put_comments(struct buf *lines, const char *title, struct buf *out)
{
	buf_puts(out, lines->len ? title : "");
	buf_put(out, buf_span(lines));
	buf_free(lines);
}

/* Lines that begin with a blank go on with the one before: in main.cf only. */
static struct span next_line(struct span *text, unsigned kind, uint32_t *number, uint32_t *lines)
{
	size_t n = span_index(*text, '\n');

	*number = *lines + 1;
	while (++*lines, kind == POSTFIX && n + 1 < text->len && ascii_is_blank(text->ptr[n + 1]))
		n += 1 + span_index(span_skip(*text, n + 1), '\n');
	struct span line = span_head(*text, n);

	*text = span_skip(*text, n + 1);
	return line;
}

bool cfgen_from(struct span kind, struct span text, struct buf *out)
{
	struct reader r = {.out = out};
	uint32_t number, lines = 0;
	size_t k = 0;

	while (k < KINDS && !span_eq(kind, span_str(kinds[k].name)))
		k++;
	if (k == KINDS)
		return false;
	r.kind = kinds[k].kind;
	find_accounts(&r, text);
	r.null_client = r.kind & (SSMTP | MSMTP);
	buf_init(&r.left, CFGEN_DEF_MAX);
	buf_init(&r.moot, CFGEN_DEF_MAX);
	buf_init(&r.relay, CFGEN_DEF_MAX);
	buf_printf(out, "# made by cfgen --from %.*s\n", SPAN_ARG(kind));
	while (text.len) {
		struct span line = span_trim(next_line(&text, r.kind, &number, &lines));

		if (line.len && line.ptr[0] != '#')
			take_line(&r, kinds[k].divider, line, number);
	}
	put_relay(&r, out);
	put_comments(&r.left, "# lines that have no equivalent:\n", out);
	put_comments(&r.moot, "# lines that change nothing here:\n", out);
	buf_free(&r.relay);
	return buf_ok(out);
}
