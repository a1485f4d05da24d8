/*
 * AUTH towards other servers (RFC 4954): PLAIN or LOGIN, over TLS only.  See
 * service/relay_part.h.
 *
 * Name and password are those of the smart host, where the settings have one; for all others
 * the configuration's ruleset authinfo says them, as in sendmail: words "U:user", "I:name",
 * "P:password", "M:mechanisms", with = instead of : in base64.
 */
#include "base/ascii.h"
#include "base/base64.h"
#include "cf/cf_addr.h"
#include "service/relay_part.h"
#include "sys/log.h"

enum { SECRET_MAX = 1024, WORDS_MAX = 8 };

/* Where the exchange stands; the first is that of a new connection. */
enum { AUTH_NONE, AUTH_PLAIN, AUTH_LOGIN, AUTH_LOGIN_USER };

/* Who we are to a server; the first is the authorization identity (RFC 4616), mostly none. */
struct identity {
	struct span as, user, password, mechs;
	struct buf octets;
	char mem[SECRET_MAX];
};

/* The words of the list, one after the other. */
static bool has_word(struct span list, struct span word)
{
	while (list.len)
		if (ascii_eq_nocase(span_cut(&list, ' '), word))
			return true;
	return false;
}

static void take_word(struct identity *w, struct span word)
{
	size_t from = w->octets.len;
	struct span value;

	if (word.len > 1 && word.ptr[0] == '"')
		word = span_make(word.ptr + 1, word.len - 2);
	if (word.len < 2 || !memchr(":=", word.ptr[1], 2))
		return;
	value = span_skip(word, 2);
	if (word.ptr[1] == '=') {
		if (!base64_decode(value, &w->octets))
			log_err("ruleset authinfo: what stands behind %c= is no base64",
				word.ptr[0]);
	} else {
		for (size_t i = 0; i < value.len; i++) {
			i += value.ptr[i] == '\\' && i + 1 < value.len;
			buf_putc(&w->octets, value.ptr[i]);
		}
	}
	value = span_make(w->mem + from, w->octets.len - from);
	switch (ascii_lower(word.ptr[0])) {
	case 'u':
		w->as = value;
		break;
	case 'i':
		w->user = value;
		break;
	case 'p':
		w->password = value;
		break;
	case 'm':
		w->mechs = value;
		break;
	default:
		break;
	}
}

/* A status of cf_rewrite. */
static int ask(struct config *c, struct span name, struct span addr, struct identity *w)
{
	struct cf_eval *ev = config_begin(c);
	struct span words[WORDS_MAX];
	size_t n = WORDS_MAX;
	int status;

	if (!ev)
		return EXIT_TEMPFAIL;
	config_set(c, "{server_name}", name);
	config_set(c, "{server_addr}", addr);
	status = cf_check_words(ev, cf_check_find(ev, "authinfo"), name, addr, words, &n);
	for (size_t i = 0; i < n; i++)
		take_word(w, words[i]);
	/* One of the two is enough, and a server need not be told the same twice. */
	if (w->user.len == 0)
		w->user = w->as;
	if (span_eq(w->user, w->as))
		w->as = SPAN("");
	config_idle(c);
	return status;
}

/* 0: there is one; EXIT_TEMPFAIL: a table cannot be read. */
static int identify(const struct relay_session *s, struct identity *w)
{
	const struct relay *r = s->dest->relay;
	const char *name = s->dest->addrs[s->at].name;
	int status = 0;

	*w = (struct identity){.mechs = SPAN("")};
	buf_init_fixed(&w->octets, w->mem, sizeof w->mem);
	if (r->password.len && ascii_eq_nocase(s->dest->target.hosts, span_str(r->url.hosts))) {
		w->user = span_str(r->url.user);
		w->password = buf_span(&r->password);
	} else if (r->config) {
		status = ask(r->config, span_str(name), relay_tls_addr(s), w);
	}
	if (w->user.len && w->password.len && buf_ok(&w->octets))
		return 0;
	return status == EXIT_TEMPFAIL ? status : EXIT_UNAVAILABLE;
}

static void say_base64(struct relay_session *s, struct span mech, struct span secret)
{
	char mem[SECRET_MAX * 2];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	base64_encode(secret, &b);
	if (mech.len)
		smtp_client_auth(&s->smtp, mech, buf_span(&b), &s->out);
	else
		smtp_client_auth_line(&s->smtp, buf_span(&b), &s->out);
	buf_wipe(&b);
}

static void say_plain(struct relay_session *s, const struct identity *w)
{
	char mem[SECRET_MAX];
	struct buf b;

	/* RFC 4616: authorization identity, user, password. */
	buf_init_fixed(&b, mem, sizeof mem);
	buf_put(&b, w->as);
	buf_putc(&b, '\0');
	buf_put(&b, w->user);
	buf_putc(&b, '\0');
	buf_put(&b, w->password);
	say_base64(s, SPAN("PLAIN"), buf_span(&b));
	buf_wipe(&b);
}

/* Offered by the server, and nothing says that it should not be used. */
static bool may(const struct relay_session *s, const struct identity *w, struct span mech)
{
	return has_word(span_str(s->smtp.auth), mech) &&
	       (w->mechs.len == 0 || has_word(w->mechs, mech));
}

/* Over TLS, and with a name and a password. */
static void begin(struct relay_session *s, const struct identity *w)
{
	if (!s->smtp.tls) {
		log_warn("relay=%s: no AUTH without TLS", s->name);
		smtp_client_auth_skip(&s->smtp);
	} else if (may(s, w, SPAN("PLAIN"))) {
		s->auth_step = AUTH_PLAIN;
		say_plain(s, w);
	} else if (may(s, w, SPAN("LOGIN"))) {
		s->auth_step = AUTH_LOGIN;
		smtp_client_auth(&s->smtp, SPAN("LOGIN"), SPAN(""), &s->out);
	} else {
		log_warn("relay=%s: no mechanism of AUTH that we know", s->name);
		smtp_client_auth_skip(&s->smtp);
	}
}

void relay_auth_begin(struct relay_session *s)
{
	struct identity w;

	if (s->auth_step != AUTH_NONE) {
		/* The password may be mended: whatever the server says, it is for now. */
		s->why = s->smtp.err;
		s->why.class = ERR_TEMP;
		memcpy(s->why.status, "4.7.8", 6);
		err_prefix(&s->why, "authentication refused");
		return;
	}
	switch (identify(s, &w)) {
	case 0:
		begin(s, &w);
		break;
	case EXIT_TEMPFAIL:
		err_temp(&s->why, "4.7.0", "ruleset authinfo: a table cannot be read");
		break;
	default:
		smtp_client_auth_skip(&s->smtp);
	}
	buf_wipe(&w.octets);
}

void relay_auth_answer(struct relay_session *s)
{
	bool name = s->auth_step == AUTH_LOGIN, password = s->auth_step == AUTH_LOGIN_USER;
	struct identity w;

	buf_init_fixed(&w.octets, w.mem, sizeof w.mem);
	/* LOGIN asks for the name and then for the password, whatever its words for them. */
	if ((name || password) && identify(s, &w) == 0) {
		s->auth_step = name ? AUTH_LOGIN_USER : AUTH_PLAIN;
		say_base64(s, SPAN(""), name ? w.user : w.password);
	} else {
		smtp_client_auth_line(&s->smtp, SPAN("*"), &s->out);
	}
	buf_wipe(&w.octets);
}
