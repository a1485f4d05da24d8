/*
 * sendmail -bv: where would each recipient go?  Texts, their order and statuses are
 * sendmail's.
 *
 * A list is parsed whole and then taken from its end; aliases are followed at once; what is
 * deliverable is printed at last, by host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "format/address.h"
#include "sendmail_verify.h"
#include "service/route.h"
#include "sys/fs.h"
#include "sys/log.h"

enum {
	ALIAS_DEPTH = 10, /* MaxAliasRecursion */
	ADDRESSES_MAX = 20000,
	RIGHT_MAX = 1 << 20, /* octets of an alias */
	INCLUDE_MAX = 16 << 20,
	MEMORY_MAX = 256 << 20,
};

bool sendmail_route(struct sendmail *m, struct span addr, struct route *r, struct err *e)
{
	if (!route_begin(m->config, NULL))
		return err_temp(e, "4.3.0", "out of memory");
	return route_recipient(m->config, &m->settings, addr, r, e);
}

bool sendmail_aliases(struct sendmail *m, struct alias *a, struct err *e)
{
	alias_init(a);
	return !m->settings.aliases[0] || alias_add(a, span_str(m->settings.aliases), e);
}

/* sendmail names the file that it is at. */
void sendmail_verify_where(const struct verify *v)
{
	if (v->file)
		printf("%s: line %u: ", v->file, v->line);
}

/* An address in a message is cut in the middle when it is long, as in sendmail. */
static void put_name(struct span s)
{
	enum { LONGEST = 203, KEPT = 100 };

	if (s.len > LONGEST) {
		printf("%.*s...", KEPT, s.ptr);
		s = span_skip(s, s.len - KEPT);
	}
	printf("%.*s... ", SPAN_ARG(s));
}

void sendmail_verify_say(struct verify *v, struct span to, const char *text, int status)
{
	sendmail_verify_where(v);
	if (to.len)
		put_name(to);
	puts(text);
	if (!v->status)
		v->status = status;
}

bool sendmail_verify_same(const struct addr *a, const struct addr *b)
{
	return a->mailer == b->mailer && ascii_eq_nocase(a->host, b->host) &&
	       span_eq(a->user, b->user);
}

static int order(struct span a, struct span b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int d = ascii_lower(a.ptr[i]) - ascii_lower(b.ptr[i]);

		if (d)
			return d;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Into the list of recipients: by host, behind those of the same one; false: it is there. */
static bool enter(struct verify *v, struct addr *a)
{
	struct addr **at = &v->queue;

	for (struct addr *q = v->queue; q; q = q->next) {
		if (!sendmail_verify_same(q, a) || (q->primary && !q->ok))
			continue;
		if (v->m->verbose && !q->primary) {
			sendmail_verify_where(v);
			printf("%.*s... duplicate suppressed\n", SPAN_ARG(a->text));
		}
		return false;
	}
	while (*at && order((*at)->host, a->host) <= 0)
		at = &(*at)->next;
	a->next = *at;
	*at = a;
	return true;
}

static struct addr *parse(struct verify *v, struct span text, struct addr *parent)
{
	struct config *c = v->m->config;
	static const struct cf_mailer error = {.name = {"*error*", 7}};
	struct addr *a;
	struct cf_addr addr;
	bool ok, later;

	if (!config_begin(c))
		return NULL;
	ok = cf_addr_parse(c->ev, text, 0, &addr);
	if (c->heard[0] && addr.mailer) {
		/* Repaired, but what it says is still told. */
		sendmail_verify_say(v, text, c->heard, 0);
		v->warned = true;
	} else if (!ok) {
		int status = c->ev->status ? c->ev->status : EXIT_USAGE;

		/* An error for now is a mailer like others: the message would be kept for it. */
		later = addr.is_error &&
			(status == EXIT_TEMPFAIL || (addr.code.len && addr.code.ptr[0] == '4'));
		if (c->heard[0])
			sendmail_verify_say(v, text, c->heard,
					    status == EXIT_TEMPFAIL && later ? 0 : status);
		if (!later)
			return NULL;
		addr.mailer = &error;
	}
	a = arena_alloc(&v->mem, sizeof *a);
	if (!a || ++v->count > ADDRESSES_MAX)
		return NULL;
	a->text = arena_dup(&v->mem, text);
	a->mailer = addr.mailer;
	a->user = arena_dup(&v->mem, addr.user);
	a->host = addr.has_host ? arena_dup(&v->mem, addr.host) : SPAN("");
	a->has_host = addr.has_host;
	a->primary = !parent;
	a->parent = parent;
	if (parent)
		a->shellless = parent->shellless;
	if (sendmail_verify_loop(v, a))
		return NULL;
	if (parent && sendmail_verify_same(parent, a))
		parent->self = true;
	return a;
}

static void take(struct verify *v, struct addr *a, int depth);

/* Returns how many addresses there are. */
static unsigned take_list(struct verify *v, struct span list, struct addr *parent, int depth)
{
	struct addr *last = NULL;
	unsigned count = 0;
	bool commas = parent != NULL;

	for (size_t i = 0; i < list.len; i++)
		commas |= memchr(",;<(", list.ptr[i], 4) != NULL;
	/* One list in the old style does not make the next one so, but a new one does. */
	v->commas |= commas;
	while (list.len) {
		struct span text = aliases_cut(&list, parent || v->commas ? ',' : ' ');
		struct addr *a = text.len ? parse(v, text, parent) : NULL;

		if (a) {
			a->next = last;
			last = a;
		}
	}
	while (last) {
		struct addr *a = last;

		last = a->next;
		count++;
		take(v, a, depth);
	}
	return count;
}

/* The lines of a list; how many addresses were taken. */
unsigned sendmail_verify_lines(struct verify *v, struct span text, const char *path,
			       const char *how, struct addr *a, int depth)
{
	const char *outer = v->file;
	unsigned line = v->line, count = 0;
	struct span list;

	v->file = path;
	v->line = 0;
	while (text.len) {
		struct span one = span_cut(&text, '\n');

		v->line++;
		if (!aliases_next_list(&one, &list))
			continue;
		if (v->m->verbose) {
			sendmail_verify_where(v);
			printf("%s to %.*s\n", how, SPAN_ARG(list));
		}
		count += take_list(v, list, a, depth + 1);
	}
	v->file = outer;
	v->line = line;
	return count;
}

static void include(struct verify *v, struct addr *a, int depth)
{
	char path[CF_NAME], text[CF_LINE];
	struct err e = {.sys = 0};
	struct buf file;

	a->dead = true;
	buf_init(&file, INCLUDE_MAX);
	span_to_cstr(span_trim(a->user), path, sizeof path);
	if (v->m->verbose) {
		sendmail_verify_where(v);
		printf("%.*s... including file %s\n", SPAN_ARG(a->text), path);
	}
	if (!fs_read_all(AT_FDCWD, path, FS_FOLLOW, &file, &e)) {
		snprintf(text, sizeof text, "Cannot open %s: %s", path,
			 strerror(e.sys ? e.sys : EINVAL));
		sendmail_verify_say(v, a->text, text, EXIT_USAGE);
		a->dead = false;
		a->bad = true;
	}
	sendmail_verify_lines(v, buf_span(&file), path, "sending", a, depth);
	buf_free(&file);
}

/* Programs and files are for aliases only, and for users who could start them by themselves. */
static bool is_direct(struct verify *v, struct addr *a)
{
	static const char *const names[][2] = {
	    {"prog", "programs"}, {"*file*", "files"}, {"*include*", ":include:s"}};
	char text[512];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!span_eq(a->mailer->name, span_str(names[i][0])))
			continue;
		if (a->primary)
			snprintf(text, sizeof text, "Cannot mail directly to %s", names[i][1]);
		else if (i < 2 && a->shellless.len)
			snprintf(text, sizeof text,
				 "User %.*s@%s doesn't have a valid shell for mailing to %s",
				 SPAN_ARG(a->shellless), v->m->settings.hostname, names[i][1]);
		else
			return false;
		sendmail_verify_say(v, a->text, text, EXIT_USAGE);
		a->bad = true;
		return true;
	}
	return false;
}

/* True when a is an alias, and what it stands for was taken; or when that cannot be told now. */
static bool expand(struct verify *v, struct addr *a, int depth)
{
	struct buf right;
	struct span list;

	if (v->m->no_alias || !cf_mailer_flag(a->mailer, 'A') ||
	    (a->user.len && a->user.ptr[0] == '\\'))
		return false;
	buf_init(&right, RIGHT_MAX);
	switch (alias_find(&v->aliases, a->user, &right)) {
	case 0:
		break;
	case EXIT_TEMPFAIL:
		/* Who that is is not known now, and so neither that it is nobody. */
		buf_free(&right);
		return true;
	default:
		buf_free(&right);
		return false;
	}
	list = span_trim(arena_dup(&v->mem, buf_span(&right)));
	buf_free(&right);
	if (v->m->verbose) {
		sendmail_verify_where(v);
		printf("%.*s... aliased to %.*s\n", SPAN_ARG(a->text), SPAN_ARG(list));
	}
	take_list(v, list, a, depth + 1);
	a->dead = !a->self;
	return !a->self;
}

/* Ruleset 5, for a name that is no alias; what it gives has the same text. */
static bool other_user(struct verify *v, struct addr *a, int depth)
{
	struct config *c = v->m->config;
	struct addr *b;
	struct cf_addr addr;

	if (!cf_mailer_flag(a->mailer, '5') || (a->user.len && a->user.ptr[0] == '\\') ||
	    !config_begin(c) || !cf_addr_local(c->ev, a->user, a->host, &addr))
		return false;
	b = arena_alloc(&v->mem, sizeof *b);
	if (!b)
		return false;
	*b = *a;
	b->mailer = addr.mailer;
	b->user = arena_dup(&v->mem, addr.user);
	b->host = addr.has_host ? arena_dup(&v->mem, addr.host) : SPAN("");
	b->has_host = addr.has_host;
	b->primary = false;
	if (sendmail_verify_same(a, b))
		return false;
	a->dead = true;
	take(v, b, depth + 1);
	return true;
}

static bool all_dead(const struct verify *v)
{
	for (const struct addr *q = v->queue; q; q = q->next)
		if (!q->dead)
			return false;
	return true;
}

static void take(struct verify *v, struct addr *a, int depth)
{
	char text[80];

	if (depth > ALIAS_DEPTH) {
		snprintf(text, sizeof text,
			 "aliasing/forwarding loop broken (%d aliases deep; %d max)", depth,
			 ALIAS_DEPTH);
		sendmail_verify_say(v, SPAN(""), text, EXIT_USAGE);
		/* Still in the list, so that nothing is said about the loop twice. */
		a->bad = true;
		enter(v, a);
		return;
	}
	if (!enter(v, a) || is_direct(v, a))
		return;
	if (span_eq(a->mailer->name, SPAN("*include*")))
		include(v, a, depth);
	else if (!expand(v, a, depth) && !other_user(v, a, depth))
		sendmail_verify_user(v, a, depth);
	a->ok = !a->dead && !a->bad;
	if (a->primary && a->dead && all_dead(v)) {
		sendmail_verify_say(v, SPAN(""), "aliasing/forwarding loop broken", EXIT_USAGE);
		a->bad = true;
	}
}

static void print_all(const struct verify *v)
{
	for (const struct addr *q = v->queue; q; q = q->next) {
		if (q->dead || q->bad)
			continue;
		put_name(q->text);
		printf("deliverable: mailer %.*s, ", SPAN_ARG(q->mailer->name));
		if (q->has_host)
			printf("host %.*s, ", SPAN_ARG(q->host));
		printf("user %.*s\n", SPAN_ARG(q->user));
	}
}

int sendmail_verify(struct sendmail *m, int argc, char **argv)
{
	struct verify v = {.m = m};
	struct span old;
	struct err e;
	int status;

	log_init("sendmail", log_quiet());
	if (argc == 0) {
		puts("Recipient names must be specified");
		return EXIT_USAGE;
	}
	if (!account_source_init(&v.accounts, m->settings.users, m->settings.mailbox, &e) ||
	    !sendmail_aliases(m, &v.aliases, &e)) {
		fprintf(stderr, "%s: %s\n", m->program, e.text);
		return EXIT_CONFIG;
	}
	arena_init(&v.mem, MEMORY_MAX);
	old = cf_option_get(&m->config->cf, "OldStyleHeaders");
	v.commas = !old.ptr || (old.len && !strchr("TtYy", old.ptr[0]));
	for (int i = 0; i < argc; i++)
		take_list(&v, span_str(argv[i]), NULL, 0);
	print_all(&v);
	status = v.status ? v.status : v.warned ? EXIT_USAGE : 0;
	arena_free(&v.mem);
	alias_free(&v.aliases);
	account_source_free(&v.accounts);
	return status;
}
