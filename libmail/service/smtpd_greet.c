/*
 * The greeting, its pause, and clients that do not wait for it; see service/smtpd.h.
 */
#include <errno.h>

#include "format/date.h"
#include "service/smtpd.h"
#include "sys/clock.h"
#include "sys/log.h"

void smtpd_greet_client(struct smtpd_session *s, bool early)
{
	char mem[64];
	struct buf date;
	int64_t now = clock_wall().s;

	buf_init_fixed(&date, mem, sizeof mem);
	date_put(&date, now, clock_zone(now));
	smtp_server_init(&s->smtp, &s->d->config[s->kind], span_str(s->client));
	for (const char *p = s->features; *p; p++)
		smtp_server_feature(&s->smtp, *p);
	s->connecting = false;
	s->pause_ms = 0;
	if (early) {
		smtp_server_greet_refuse(&s->smtp, 554, SPAN("ESMTP not accepting messages"),
					 SPAN("5.0.0 Command rejected"), &s->out);
		return;
	}
	smtp_server_greet(&s->smtp, buf_span(&date), &s->out);
	if (s->refusal.len)
		smtp_server_refuse(&s->smtp, buf_span(&s->refusal));
	else if (s->kind == MTA_L_TCP && s->d->filtered.len)
		smtp_server_refuse(&s->smtp, s->d->filtered);
}

bool smtpd_greet_early(struct smtpd_session *s)
{
	char octet;
	ssize_t n = recv(s->watch.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		s->gone = true;
	else
		log_info("rejecting commands from %s due to pre-greeting traffic", s->client);
	smtpd_greet_client(s, true);
	return true;
}

void smtpd_greet_pause(struct smtpd_session *s, uint32_t ms)
{
	s->connecting = true;
	s->pause_ms = ms;
	/* What came while others were asked about it, it is not told of again. */
	if (!smtpd_greet_early(s))
		loop_events(&s->d->loop, &s->watch, EPOLLIN);
}
