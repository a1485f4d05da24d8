/*
 * tls_srv_features and tls_clt_features; see service/route.h.
 *
 * What TLS is made of is not open to choice here: TLS 1.2 and its best ciphers, the one pair of
 * certificate and key that gate holds, no revocation lists, no DANE.  So keys that choose these are
 * understood, and said to have no effect.
 */
#include "base/ascii.h"
#include "service/route.h"
#include "sys/log.h"

/* "key=value"; false: no such key.  cert counts one up for each file of a pair. */
static bool take(struct span pair, char *fallback, unsigned *cert, bool *idle)
{
	static const char *const known[] = {"CertFile",   "KeyFile",      "Options",
					    "CipherList", "CipherSuites", "Flags"};
	size_t eq = span_index(pair, '='), i = 0;
	struct span key = span_trim(span_head(pair, eq)), value = span_skip(pair, eq);

	while (i < sizeof known / sizeof known[0] && !ascii_eq_nocase(key, span_str(known[i])))
		i++;
	if (value.len == 0 || i == sizeof known / sizeof known[0])
		return false;
	*cert += i < 2;
	if (i < 5) {
		*idle = true;
		return true;
	}
	for (i = 0; i < value.len; i++) {
		if (ascii_lower(value.ptr[i]) == 'c')
			*fallback = value.ptr[i];
		*idle |= strchr("Rd", value.ptr[i]) != NULL;
	}
	return true;
}

bool route_features(struct config *c, const char *ruleset, struct span name, struct span addr,
		    char *fallback)
{
	int rs = cf_check_find(c->ev, ruleset);
	struct span list = {NULL, 0};
	unsigned cert = 0;
	bool ok, idle = false;

	*fallback = '\0';
	if (rs < 0)
		return true;
	ok = cf_check_text(c->ev, rs, name, addr, &list) == 0;
	if (ok && list.len > 1 && list.ptr[0] == '"' && list.ptr[list.len - 1] == '"')
		list = span_make(list.ptr + 1, list.len - 2);
	for (struct span rest = span_trim(list); ok && rest.len; rest = span_trim(rest))
		ok = take(span_cut(&rest, ';'), fallback, &cert, &idle);
	/* A certificate without a key, or a key without one. */
	ok = ok && cert != 1;
	if (!ok && !route_pending(c))
		log_warn("%s=failed, relay=%.*s [%.*s], answer=%.*s", ruleset, SPAN_ARG(name),
			 SPAN_ARG(addr), SPAN_ARG(list));
	else if (ok && idle && !c->warned)
		log_warn("%s=%.*s: only the flags c and C have an effect", ruleset, SPAN_ARG(list));
	c->warned |= idle;
	return ok;
}
