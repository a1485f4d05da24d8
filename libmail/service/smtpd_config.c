/*
 * What the protocol machine is told of the settings; see service/smtpd.h.
 */
#include "service/route.h"
#include "service/smtpd.h"
#include "sys/log.h"

/* What sendmail answers where a filter cannot be reached. */
static void configure_filters(struct smtpd *d)
{
	uint64_t checks = d->settings.checks;

	d->filtered = checks & 1u << ROUTE_FILTERS_TEMP ? SPAN("451 4.3.2 Please try again later")
		      : checks & 1u << ROUTE_FILTERS_REJECT ? SPAN("550 5.0.0 Command rejected")
							    : SPAN("");
	if (checks & 1u << ROUTE_FILTERS)
		log_warn("InputMailFilters: mail filters are not called here; %s",
			 d->filtered.len ? "as F=T or F=R of a filter asks, no mail is taken"
					 : "mail is taken without them");
}

void smtpd_configure(struct smtpd *d)
{
	configure_filters(d);
	for (int i = 0; i < 2; i++) {
		struct smtp_server_config *c = &d->config[i];

		*c = (struct smtp_server_config){
		    .name = span_str(d->settings.hostname),
		    .product = SPAN("ESMTP letterbox"),
		    .version = SPAN("letterbox"),
		    .size_max = d->settings.max_message,
		    .bad_rcpts = (unsigned)d->settings.max_bad_rcpts,
		    .flags = SMTP_OFFER_PIPELINING | SMTP_OFFER_8BITMIME | SMTP_OFFER_SIZE |
			     SMTP_OFFER_HELP |
			     (d->settings.checks & 1u << ROUTE_CHECK_OTHER ? SMTP_ASK_OTHER : 0),
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
