/*
 * The users whom -bv comes to, and their ~/.forward; see sendmail_verify.h.
 */
#include <stdio.h>
#include <string.h>

#include "format/address.h"
#include "sendmail_verify.h"
#include "service/forward.h"

static bool find_account(struct verify *v, const struct addr *a, struct account *out, struct err *e)
{
	char mem[CF_NAME];
	struct buf name;

	buf_init_fixed(&name, mem, sizeof mem);
	address_put_unquoted(a->user, &name);
	return account_find(&v->accounts, buf_span(&name), out, e);
}

bool sendmail_verify_loop(struct verify *v, struct addr *a)
{
	struct addr *top = a->parent;
	struct account account;
	struct err e;

	while (top && !sendmail_verify_same(top, a))
		top = top->parent;
	for (struct addr *c = a; top && c; c = c->parent) {
		if (!cf_mailer_flag(c->mailer, 'w') || !find_account(v, c, &account, &e))
			continue;
		(sendmail_verify_same(top, c) ? top : c)->self = true;
		return true;
	}
	return false;
}

/* ~/.forward, as far as who asks may read it; names in it have their turn at once, too. */
static void forward(struct verify *v, struct addr *a, const struct account *account, int depth)
{
	char mem[ACCOUNT_PATH_MAX], path[FORWARD_PATH_MAX];
	struct span rest = {NULL, 0};
	struct buf paths, text;
	struct err e;

	buf_init_fixed(&paths, mem, sizeof mem);
	buf_init(&text, FORWARD_MAX);
	if (forward_put_paths(&v->m->settings, account, a->host, &paths))
		rest = buf_span(&paths);
	while (forward_next(&rest, account, path, &text, &e)) {
		if (e.class == ERR_NONE) {
			a->self = false;
			if (sendmail_verify_lines(v, buf_span(&text), path, "forwarding", a,
						  depth) &&
			    !a->self)
				a->dead = true;
			break;
		}
		if (e.class == ERR_TEMP) {
			sendmail_verify_say(v, a->text,
					    "transient .forward open error: message queued",
					    EXIT_TEMPFAIL);
			a->bad = true;
		} else if (v->m->verbose) {
			sendmail_verify_where(v);
			printf("%.*s... forward: %s: %s\n", SPAN_ARG(a->text), path, e.text);
		}
	}
	buf_free(&text);
}

void sendmail_verify_user(struct verify *v, struct addr *a, int depth)
{
	struct account account;
	struct err e = {0};

	if (!cf_mailer_flag(a->mailer, 'w'))
		return;
	if (find_account(v, a, &account, &e)) {
		/* From here on it is in the list: another one is the same. */
		a->ok = true;
		a->shellless = SPAN("");
		if (!forward_has_shell(&account, &e) && e.class == ERR_NONE)
			a->shellless = arena_dup(&v->mem, span_str(account.name));
		if (span_eq(a->mailer->name, SPAN("local")) && a->user.ptr[0] != '\\')
			forward(v, a, &account, depth);
		return;
	}
	sendmail_verify_say(v, a->text, e.class == ERR_PERM ? "User unknown" : e.text,
			    err_exit_code(&e));
	a->bad = true;
}
