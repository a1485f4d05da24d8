/*
 * What the protocol machine is told of the settings; see service/smtpd.h.
 */
#include "service/smtpd.h"

void smtpd_configure(struct smtpd *d)
{
	for (int i = 0; i < 2; i++) {
		struct smtp_server_config *c = &d->config[i];

		*c = (struct smtp_server_config){
		    .name = span_str(d->settings.hostname),
		    .product = SPAN("ESMTP letterbox"),
		    .version = SPAN("letterbox"),
		    .size_max = d->settings.max_message,
		    .bad_rcpts = (unsigned)d->settings.max_bad_rcpts,
		    .flags = SMTP_OFFER_PIPELINING | SMTP_OFFER_8BITMIME | SMTP_OFFER_SIZE |
			     SMTP_OFFER_HELP,
		    .bare = LINE_REFUSE,
		};
		if (i == MTA_L_SUBMIT) {
			c->flags |= SMTP_EARLY_OK | SMTP_OFFER_DSN;
			c->bare = LINE_REPAIR;
		} else if (d->chain) {
			c->flags |= SMTP_OFFER_STARTTLS;
		}
		smtpd_accept_policy(d->settings.privacy, c);
	}
}
