/*
 * What the configuration's rulesets say about servers and their TLS: try_tls, tls_server,
 * tls_rcpt.  See service/relay_part.h.
 *
 * As in sendmail: try_tls decides whether STARTTLS is said, tls_server whether the connection is
 * used at all, tls_rcpt whether a recipient may go over it.
 */
#include <errno.h>
#include <stdio.h>

#include "service/relay_part.h"
#include "service/route.h"
#include "sys/log.h"

static bool has(const struct relay *r, enum route_check which)
{
	return r->config && r->settings.checks & 1u << which;
}

bool relay_tls_judged(const struct relay *r)
{
	return has(r, ROUTE_TLS_SERVER) || has(r, ROUTE_TLS_RCPT);
}

struct span relay_tls_addr(const struct relay_session *s)
{
	const char *addr = strrchr(s->name, '[');
	struct span rest = span_str(addr ? addr + 1 : "");

	return span_cut(&rest, ']');
}

/* Those behind {verify} are known with TLS alone. */
static void put_macros(const struct relay_session *s, struct buf *b)
{
	static const char names[][16] = {
	    "{server_name}", "{verify}",       "{tls_version}", "{cipher}",     "{cipher_bits}",
	    "{alg_bits}",    "{cert_subject}", "{cert_issuer}", "{cn_subject}", "{cn_issuer}"};
	const struct tls_names *n = &s->names;
	char bits[12];
	const char *values[] = {s->dest->addrs[s->at].name,
				s->verify ? s->verify : "",
				s->tls ? tls_version_name(s->tls) : NULL,
				s->tls ? tls_cipher_name(s->tls) : NULL,
				bits,
				bits,
				n->subject.text,
				n->issuer.text,
				n->subject.cn,
				n->issuer.cn};

	route_put_macro(b, "{server_addr}", relay_tls_addr(s));
	if (s->tls)
		snprintf(bits, sizeof bits, "%u", tls_cipher_bits(s->tls));
	for (size_t i = 0; i < (s->tls ? sizeof names / sizeof names[0] : 2); i++)
		route_put_macro(b, names[i], span_str(values[i]));
}

static bool begin(const struct relay_session *s, struct err *e)
{
	struct config *c = s->dest->relay->config;
	char mem[MTA_MACROS_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	put_macros(s, &b);
	if (!buf_ok(&b) || !route_begin(c, NULL))
		return err_errno(e, ENOMEM, "rulesets about servers");
	route_set_macros(c, buf_span(&b));
	return true;
}

/* True: the ruleset has nothing against it, or is not there. */
static bool ask(const struct relay_session *s, enum route_check which, struct span arg,
		struct err *e)
{
	if (!has(s->dest->relay, which))
		return true;
	if (!begin(s, e))
		return false;
	/* What is neither is consent: there is nothing here to discard or to quarantine. */
	return route_check(s->dest->relay->config, which, arg, (struct span){NULL, 0}, e) !=
	       ROUTE_REFUSED;
}

bool relay_tls_try(struct relay_session *s)
{
	struct span name = span_str(s->dest->addrs[s->at].name);
	struct err e = {.sys = 0};

	s->unfit = false;
	if (!has(s->dest->relay, ROUTE_TRY_TLS))
		return true;
	/* That they cannot be asked now is no reason to do without. */
	if (!ask(s, ROUTE_TRY_TLS, name, &e))
		return e.sys != 0;
	s->unfit = begin(s, &e) &&
		   !route_features(s->dest->relay->config, ROUTE_TLS_CLT_FEATURES, name,
				   relay_tls_addr(s), &s->fallback) &&
		   config_was_read(s->dest->relay->config, &e);
	return !s->unfit;
}

bool relay_tls_pass_over(const struct relay_session *s, struct err *e)
{
	char name[DNS_NAME_MAX + 1];
	struct span words[MTA_FEATURES_MAX];
	size_t n = MTA_FEATURES_MAX;
	bool later;

	if (!has(s->dest->relay, ROUTE_TRY_TLS))
		return false;
	/* As it stands in the domain name system. */
	snprintf(name, sizeof name, "%s.", s->dest->addrs[s->at].name);
	/* D and M are without effect: there is neither DANE nor MTA-STS to be turned off. */
	later =
	    !begin(s, e) || route_words(s->dest->relay->config, ROUTE_CLT_FEATURES, span_str(name),
					relay_tls_addr(s), words, &n) == EXIT_TEMPFAIL;
	for (size_t i = 0; i < n && !later; i++)
		later = span_eq(words[i], SPAN("temp"));
	if (later) {
		log_warn("clt_features=TEMPFAIL, host=%s, status=skipped", name);
		err_temp(e, "4.3.0", "clt_features=TEMPFAIL");
	}
	return later;
}

/* Of a session that has been greeted; its last reply is that to EHLO or to STARTTLS. */
static const char *verify(const struct relay_session *s)
{
	static const char *const verdict[] = {
	    [TLS_PEER_UNKNOWN] = "NOT",
	    [TLS_PEER_UNCHECKED] = "NOT",
	    [TLS_PEER_VERIFIED] = "OK",
	    [TLS_PEER_BAD] = "FAIL",
	};
	int code = s->smtp.code;

	if (s->tls)
		return verdict[tls_peer(s->tls)];
	if (s->plain)
		return "CLEAR";
	if (s->unfit && s->smtp.keywords & SMTP_KW_STARTTLS)
		return "CONFIG";
	return code < 400 || !(s->smtp.keywords & SMTP_KW_STARTTLS) ? "NONE"
	       : code < 500                                         ? "TEMP"
	       : code == 501                                        ? "USAGE"
								    : "NONE";
}

void relay_tls_note(struct relay_session *s)
{
	s->verify = verify(s);
	log_info("STARTTLS=client, relay=%s, version=%s, verify=%s, cipher=%s, bits=%u", s->name,
		 tls_version_name(s->tls), s->verify, tls_cipher_name(s->tls),
		 tls_cipher_bits(s->tls));
}

static bool judge(struct relay_session *s, struct err *e)
{
	char words[ERR_TEXT_MAX];

	s->refused = false;
	if (ask(s, ROUTE_TLS_SERVER, span_str(s->verify), e))
		return true;
	/* The words of a connection stand alone, and so with their code. */
	snprintf(words, sizeof words, "%d %s %.200s", err_reply_code(e), e->status, e->text);
	memcpy(e->text, words, sizeof words);
	s->refused = true;
	return false;
}

bool relay_tls_judge(struct relay_session *s, struct err *e)
{
	/* Once: AUTH may be asked for several times. */
	if (s->judged)
		return true;
	s->judged = true;
	s->verify = verify(s);
	return judge(s, e);
}

bool relay_tls_judge_failure(struct relay_session *s, struct err *e)
{
	struct span fallback;

	if (!has(s->dest->relay, ROUTE_TLS_SERVER))
		return true;
	fallback = cf_option_get(&s->dest->relay->config->cf, "TLSFallbacktoClear");
	/* The flags of tls_clt_features are for this session alone. */
	if (s->fallback ? s->fallback == 'C' : fallback.len && strchr("TtYy1", fallback.ptr[0]))
		return true;
	s->verify = "SOFTWARE";
	return judge(s, e);
}

bool relay_tls_rcpt(const struct relay_session *s, struct relay_rcpt *r)
{
	if (ask(s, ROUTE_TLS_RCPT, r->addr, &r->err))
		return true;
	r->code = (uint16_t)err_reply_code(&r->err);
	return false;
}
