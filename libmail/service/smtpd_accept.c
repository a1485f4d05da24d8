/*
 * New connections of the smtpd role: who may have one.  See service/smtpd.h.
 *
 * A refused client gets one line and is forgotten: no session, no memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/route.h"
#include "service/smtpd.h"
#include "sys/log.h"
#include "sys/peer.h"

enum { ACCEPTS_PER_TURN = 16, RATE_MS = 60000 };

/*
 * A table without chains: two sources in one place reset each other's count, which errs on
 * the side of letting in.
 */
static bool too_fast(struct smtpd *d, uint64_t source)
{
	struct smtpd_rate *r;
	uint64_t now = d->loop.now_ms;

	unsigned macros =
	    1u << (ROUTE_MACROS + ROUTE_M_RATE) | 1u << (ROUTE_MACROS + ROUTE_M_TOTAL_RATE);

	if (!d->settings.max_rate && !(d->settings.checks & macros))
		return false;
	/* Made with the first connection, and only when somebody wants to know. */
	if (!d->rates)
		d->rates = calloc(SMTPD_RATES, sizeof *d->rates);
	if (!d->rates)
		return false;
	r = &d->rates[source % SMTPD_RATES];
	if (r->source != source || now - r->since_ms >= RATE_MS)
		*r = (struct smtpd_rate){.source = source, .since_ms = now};
	r->count++;
	return d->settings.max_rate && r->count > d->settings.max_rate;
}

void smtpd_accept_count(const struct smtpd *d, uint64_t source, unsigned *open, unsigned *rate)
{
	*open = 0;
	for (size_t i = 0; i < d->slots; i++)
		*open += d->sessions[i] && d->sessions[i]->source == source;
	*rate = d->rates ? d->rates[source % SMTPD_RATES].count : 0;
}

unsigned smtpd_accept_total(const struct smtpd *d)
{
	unsigned total = 0;

	for (size_t i = 0; d->rates && i < SMTPD_RATES; i++)
		if (d->loop.now_ms - d->rates[i].since_ms < RATE_MS)
			total += d->rates[i].count;
	return total;
}

static bool too_many(const struct smtpd *d, uint64_t source)
{
	unsigned open, rate;

	if (!d->settings.max_per_source)
		return false;
	smtpd_accept_count(d, source, &open, &rate);
	return open >= d->settings.max_per_source;
}

/* Messages still being stored count: who hangs up and comes again must not gather them. */
static bool full(const struct smtpd *d)
{
	return d->open + d->orphans >= d->settings.max_sessions;
}

static void refuse(const struct smtpd *d, int fd, const char *addr, const char *why)
{
	char text[512];
	int n = snprintf(text, sizeof text, "421 4.3.2 %s %s\r\n", d->settings.hostname, why);

	log_info("rejecting connection from %s: %s", addr, why);
	/* One try: a client that does not read its refusal is not waited for. */
	(void)!send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void admit_tcp(struct smtpd_listener *l, int fd, const struct sockaddr_storage *ss)
{
	struct smtpd *d = l->d;
	char text[PEER_TEXT_MAX] = "", addr[PEER_TEXT_MAX + 8];
	uint64_t source = peer_describe(ss, text, sizeof text);

	/* The form of an address literal, RFC 5321 4.1.3. */
	snprintf(addr, sizeof addr, "%s%s", strchr(text, ':') ? "IPv6:" : "", text);
	if (full(d))
		refuse(d, fd, addr, "Too many connections, try again later");
	else if (too_many(d, source))
		refuse(d, fd, addr, "Too many open connections from your address");
	else if (too_fast(d, source))
		refuse(d, fd, addr, "Connection rate limit exceeded");
	else if (l->kind == MTA_L_SMTPS && !d->chain)
		refuse(d, fd, addr, "There is no certificate yet");
	else
		smtpd_session_open(d, fd, l->kind, l, addr, source, UINT32_MAX);
}

static void admit_local(struct smtpd_listener *l, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;

	/* Who submits is told by the kernel and not by the client. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		close(fd);
	else if (full(l->d))
		refuse(l->d, fd, "local socket", "Too many connections, try again later");
	else
		smtpd_session_open(l->d, fd, MTA_L_SUBMIT, l, "", who.uid, who.uid);
}

/*
 * novrfy, noexpn, noverb and noetrn need nothing: VRFY and EXPN tell nobody anything, the
 * others are not offered.
 */
void smtpd_accept_policy(uint32_t privacy, struct smtp_server_config *c)
{
	if (privacy & PRIVACY_NEEDMAILHELO)
		c->flags |= SMTP_NEED_HELO;
	if (privacy & PRIVACY_NEEDVRFYHELO)
		c->flags |= SMTP_NEED_VRFY_HELO;
	if (privacy & PRIVACY_NEEDEXPNHELO)
		c->flags |= SMTP_NEED_EXPN_HELO;
	if (privacy & PRIVACY_NORECEIPTS)
		c->flags &= ~(uint32_t)SMTP_OFFER_DSN;
}

static void on_again(struct loop_timer *t)
{
	struct smtpd_listener *l =
	    (struct smtpd_listener *)((char *)t - offsetof(struct smtpd_listener, again));

	loop_events(&l->d->loop, &l->watch, EPOLLIN);
}

/* Who waits in the kernel's queue would be told of again and again, and nothing be done. */
static void pause_accepting(struct smtpd_listener *l)
{
	log_err("cannot accept a connection: %s", strerror(errno));
	l->again.fire = on_again;
	loop_events(&l->d->loop, &l->watch, 0);
	loop_timer_set(&l->d->loop, &l->again, SMTPD_PAUSE_MS);
}

void smtpd_accept_ready(struct loop_watch *w, uint32_t events)
{
	struct smtpd_listener *l =
	    (struct smtpd_listener *)((char *)w - offsetof(struct smtpd_listener, watch));

	(void)events;
	/* A burst of connections must not keep sessions from their turn. */
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage ss = {0};
		socklen_t len = sizeof ss;
		int fd = accept4(w->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				pause_accepting(l);
			return;
		}
		if (l->kind == MTA_L_SUBMIT)
			admit_local(l, fd);
		else
			admit_tcp(l, fd, &ss);
	}
}
