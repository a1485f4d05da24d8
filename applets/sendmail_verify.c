/*
 * sendmail -bv: where would each recipient go?  Texts and statuses are sendmail's; the
 * last recipient is printed first, as it does.
 */
#include <stdio.h>

#include "sendmail.h"
#include "service/account.h"
#include "service/route.h"
#include "sys/log.h"

bool sendmail_route(struct sendmail *m, struct span addr, struct route *r, struct err *e)
{
	if (!route_begin(m->config, NULL))
		return err_temp(e, "4.3.0", "out of memory");
	return route_recipient(m->config, &m->settings, addr, r, e);
}

static int verify_one(struct sendmail *m, struct account_source *accounts, const char *addr)
{
	struct account a;
	struct route r;
	struct err e = {0};

	if (!sendmail_route(m, span_str(addr), &r, &e)) {
		printf("%s... %s\n", addr, e.text);
		return err_exit_code(&e);
	}
	if (r.kind != ROUTE_LOCAL) {
		printf("%s... deliverable: mailer %.*s, host %s, user %s\n", addr,
		       SPAN_ARG(r.mailer->name), r.host, r.user);
		return 0;
	}
	if (!route_account(accounts, &r, &a, &e)) {
		printf("%s... %s\n", addr, e.class == ERR_PERM ? "User unknown" : e.text);
		return err_exit_code(&e);
	}
	printf("%s... deliverable: mailer local, user %s\n", addr, a.name);
	return 0;
}

int sendmail_verify(struct sendmail *m)
{
	struct account_source accounts;
	struct err e;
	int status = 0;

	log_init("sendmail", log_quiet());
	if (m->count == 0) {
		puts("Recipient names must be specified");
		return EXIT_USAGE;
	}
	if (!account_source_init(&accounts, m->settings.users, m->settings.mailbox, &e)) {
		fprintf(stderr, "%s: %s\n", m->program, e.text);
		return EXIT_CONFIG;
	}
	for (size_t i = m->count; i-- > 0;) {
		int one = verify_one(m, &accounts, m->rcpts[i].addr);

		status = one ? one : status;
	}
	account_source_free(&accounts);
	return status;
}
