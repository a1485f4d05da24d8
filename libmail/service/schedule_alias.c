/*
 * Aliases of a recipient under work; see service/schedule_part.h.
 *
 * All of an alias, those that it names and the files that it includes, is worked out at once.
 * One target takes the recipient's place.  Several become a message of their own, whose
 * recipients are meant as they are: when that is durable the alias is done, so a crash in
 * between delivers twice and never loses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/aliases.h"
#include "format/command.h"
#include "service/forward.h"
#include "service/schedule_part.h"
#include "sys/fs.h"
#include "sys/log.h"

enum {
	DEPTH_MAX = 10, /* MaxAliasRecursion */
	LIST_MAX = 4 << 20,
};

/* A user who forwards; self: who gets the mail as well. */
struct follower {
	struct follower *up;
	const char *account, *detail;
	bool self;
};

/*
 * Words, each ended by a NUL: "owner/target", the owner ("user" or "user:detail") being of programs
 * and files that a ~/.forward has; and the aliases, and ":user/detail", that were looked at.
 */
struct expansion {
	struct schedule *q;
	struct task *task;
	const char *owner;      /* whose ~/.forward is read, or "" */
	struct follower *chain; /* that, and those that led there */
	struct buf finals, seen;
	size_t count, targets;
	bool unsafe;    /* a list is read that is not root's */
	unsigned later; /* answers under way */
	bool unread;    /* a file has to be read before */
	bool forwards;  /* the list is that of a ~/.forward, and none of an alias in it */
};

/* Names are the same in any case; what has a path in it is not. */
static bool has_word(struct span s, struct span word, bool any_case)
{
	while (s.len) {
		struct span one = span_cut(&s, '\0');

		if (any_case ? ascii_eq_nocase(one, word) : span_eq(one, word))
			return true;
	}
	return false;
}

static void add_word(struct buf *list, struct span word)
{
	buf_put(list, word);
	buf_putc(list, '\0');
}

static bool add_final(struct expansion *x, const char *owner, struct span target, struct err *e)
{
	size_t start = x->finals.len;
	bool is_path = target.len && strchr("|/\"", target.ptr[0]);
	struct span list;

	buf_puts(&x->finals, owner);
	buf_putc(&x->finals, '/');
	add_word(&x->finals, target);
	if (!buf_ok(&x->finals))
		return err_temp(e, "4.3.0", "no memory for the recipients");
	list = buf_span(&x->finals);
	if (has_word(span_head(list, start), span_str(list.ptr + start), !is_path))
		buf_truncate(&x->finals, start);
	else if (++x->count > QUEUE_RCPTS_MAX)
		return err_perm(e, "5.4.6", "more than %d recipients", QUEUE_RCPTS_MAX);
	return true;
}

static bool add_list(struct expansion *x, struct span list, const char *name, int depth,
		     struct err *e);

static bool add_lines(struct expansion *x, struct span text, const char *name, int depth,
		      struct err *e)
{
	struct span list;
	bool ok = true;

	while (ok && aliases_next_list(&text, &list))
		ok = add_list(x, list, name, depth, e);
	return ok;
}

static bool broken(struct err *e, int depth)
{
	return err_perm(e, "5.4.6", "aliasing/forwarding loop broken (%d aliases deep; %d max)",
			depth + 1, DEPTH_MAX);
}

/*
 * No alias, or itself one of its own: what it forwards to, or an end.  Who comes back to a user on
 * the way gets as far as that user's mailbox, and who names nobody else to the own one.
 */
static bool add_user(struct expansion *x, const struct route *r, int depth, struct err *e)
{
	char key[MTA_NAME_MAX + MTA_ADDR_MAX], mine[MTA_NAME_MAX + MTA_ADDR_MAX];
	struct expansion outer = *x;
	struct follower me = {.up = x->chain, .detail = r->host};
	struct schedule_list l;
	bool ok;

	switch (schedule_forward_user(x->task, r, &l, e)) {
	case FORWARD_UNREAD:
		x->unread = true;
		return true;
	case FORWARD_FAILED:
		/* One of several keeps nobody else from the mail, and is looked at again alone. */
		return x->targets && e->class == ERR_TEMP &&
		       add_final(x, SCHEDULE_AGAIN, span_str(r->address), e);
	case FORWARD_NONE:
		return add_final(x, "", span_str(r->address), e);
	default:
		break;
	}
	for (struct follower *f = x->chain; f; f = f->up)
		if (strcmp(f->account, l.account) == 0 && strcmp(f->detail, r->host) == 0) {
			f->self = true;
			x->targets--;
			return true;
		}
	if (depth >= DEPTH_MAX)
		return broken(e, depth);
	snprintf(key, sizeof key, ":%s/%s", l.account, r->host);
	if (has_word(buf_span(&x->seen), span_str(key), true))
		return true;
	add_word(&x->seen, span_str(key));
	/* The file is another one with another detail; not all count (forward_put_paths). */
	snprintf(mine, sizeof mine, "%s", l.account);
	if (r->host[0] && strlen(r->host) <= FORWARD_DETAIL_MAX && !strpbrk(r->host, "/:"))
		snprintf(mine, sizeof mine, "%s:%s", l.account, r->host);
	x->owner = mine;
	me.account = l.account;
	x->chain = &me;
	x->unsafe = false;
	x->forwards = true;
	ok = add_lines(x, l.text, l.account, depth + 1, e);
	x->forwards = outer.forwards;
	x->chain = outer.chain;
	x->owner = outer.owner;
	x->unsafe = outer.unsafe;
	if (ok && (me.self || x->targets == outer.targets))
		ok = add_final(x, "", span_str(r->address), e);
	return ok;
}

/* Has the text the program or file in it that the rules made of it, or did they have it? */
static bool is_in(struct span text, const struct route *r)
{
	struct span user = span_str(r->user);
	char mem[MTA_WORDS_MAX];
	struct buf words;
	struct err e;

	buf_init_fixed(&words, mem, sizeof mem);
	return user.len && user.ptr[0] == '/' ? forward_names(text, user, SPAN(""))
					      : command_split(span_skip(user, 1), &words, &e) &&
						    forward_names(text, SPAN(""), buf_span(&words));
}

/* A program or a file: the owner of a list chose the addresses, and only addresses. */
static bool add_special(struct expansion *x, struct span text, const char *name, struct err *e)
{
	if (!x->unsafe)
		return add_final(x, x->owner, text, e);
	log_warn("alias %s: address %.*s is unsafe for mailing to programs or files", name,
		 SPAN_ARG(text));
	return true;
}

/* Those that the configuration has are nobody's in particular. */
static bool add_routed(struct expansion *x, struct span text, const struct route *r,
		       const char *name, struct err *e)
{
	const char *owner = x->owner;
	bool ok;

	if (!is_in(text, r))
		x->owner = "";
	ok = add_special(x, text, name, e);
	x->owner = owner;
	return ok;
}

/*
 * The target is an address: of another alias, of this one again, or an end, as exact ones are.  As
 * an address it may be a program or a file still ("\|command", "/path"@host), and is what the
 * rules make of it.
 */
static bool add_address(struct expansion *x, struct span text, const char *name, int depth,
			bool exact, struct err *e)
{
	bool is_alias = false, ok = true, outer = x->forwards;
	const char *owner = x->owner;
	struct err closed;
	struct buf right;
	struct route r;

	buf_init(&right, LIST_MAX);
	/* What is no address fails later, and its failure is reported. */
	if (!schedule_decide(x->q, NULL, e) ||
	    !route_recipient(x->q->config, &x->q->settings, text, &r, e) ||
	    (!exact && !schedule_resolve(x->q, &r, &is_alias, &right, e)))
		ok = !route_pending(x->q->config) && e->class != ERR_TEMP &&
		     add_final(x, "", text, e);
	else if (!route_is_open(&r, &closed))
		ok = add_routed(x, text, &r, name, e);
	else if (exact)
		ok = add_final(x, "", text, e);
	else if (r.deferred)
		ok = err_temp(e, "4.4.3", "a name of the alias %.100s cannot be looked up now",
			      name);
	else if (!is_alias || span_eq(span_str(r.user), span_str(name)))
		/* "alice: alice, bob": the alias is the user as well. */
		ok = add_user(x, &r, depth, e);
	else if (depth >= DEPTH_MAX)
		ok = broken(e, depth);
	else if (!has_word(buf_span(&x->seen), span_str(r.user), true)) {
		add_word(&x->seen, span_str(r.user));
		/* Its programs are not the user's, who wrote none of it. */
		x->forwards = false;
		x->owner = "";
		ok = add_list(x, buf_span(&right), r.user, depth + 1, e);
		x->owner = owner;
		x->forwards = outer;
	}
	/* The questions of the others go out with its own. */
	if (route_pending(x->q->config))
		ok = ++x->later < DNS_CLIENT_ASKS;
	buf_free(&right);
	return ok;
}

/* The list and its owner; nobody else may write what root answers for. */
static bool read_list(const char *file, struct buf *text, bool *unsafe, struct err *e)
{
	int fd = fs_open_regular(AT_FDCWD, file, O_RDONLY, FS_FOLLOW, e);
	struct stat st;
	bool ok;
	char *at;

	if (fd < 0)
		return err_temp(e, "4.2.4", "Cannot open %.150s: %s", file, strerror(e->sys));
	ok = fstat(fd, &st) == 0;
	/* An empty one has nobody in it, and needs no room. */
	if (ok && st.st_size > 0) {
		at = buf_reserve(text, (size_t)st.st_size);
		ok = at && fs_pread(fd, at, (size_t)st.st_size, 0) == st.st_size;
		text->len = ok ? (size_t)st.st_size : 0;
	}
	*unsafe =
	    ok && ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH));
	close(fd);
	return ok || err_temp(e, "4.2.4", "%.150s: cannot be read whole", file);
}

static bool add_file(struct expansion *x, const struct aliases_target *t, const char *name,
		     int depth, struct err *e)
{
	struct span path = t->value;
	char file[MTA_PATH_MAX];
	struct buf text;
	bool ok, outer = x->unsafe, unsafe = false;

	if (depth >= DEPTH_MAX || !span_to_cstr(path, file, sizeof file))
		return err_perm(e, "5.4.6", "aliasing/forwarding loop broken at :include:%.*s",
				SPAN_ARG(path));
	/* The user could not read it, either: it fails by itself, later. */
	if (x->forwards)
		return add_final(x, "", t->text, e);
	buf_init(&text, LIST_MAX);
	ok = read_list(file, &text, &unsafe, e);
	x->unsafe |= unsafe;
	ok = ok && add_lines(x, buf_span(&text), name, depth + 1, e);
	x->unsafe = outer;
	buf_free(&text);
	return ok;
}

static bool add_list(struct expansion *x, struct span list, const char *name, int depth,
		     struct err *e)
{
	struct aliases_target t;
	bool ok = true;

	while (ok && aliases_next(&list, &t)) {
		x->targets++;
		switch (t.kind) {
		case ALIASES_ADDRESS:
			ok = add_address(x, t.text, name, depth, false, e);
			break;
		case ALIASES_INCLUDE:
			ok = add_file(x, &t, name, depth, e);
			break;
		case ALIASES_EXACT:
			ok = add_address(x, t.value, name, depth, true, e);
			break;
		default:
			ok = add_special(x, t.text, name, e);
		}
	}
	return ok;
}

/* owner-NAME answers for the list's failures: what it is an alias of, if that is one address. */
static struct span owner_of(struct schedule *q, const struct route *r, struct buf *out)
{
	char name[MTA_ADDR_MAX + 8];
	struct buf right;
	struct span s;

	buf_init(&right, LIST_MAX);
	snprintf(name, sizeof name, "owner-%s", r->user);
	if (alias_find(&q->alias, span_str(name), &right) == 0) {
		s = span_trim(buf_span(&right));
		buf_put(out, memchr(s.ptr, ',', s.len) || strchr(":/|\"\\", s.ptr[0])
				 ? span_str(name)
				 : s);
		if (span_index(buf_span(out), '@') == out->len) {
			buf_putc(out, '@');
			buf_put(out, settings_domain(&q->settings));
		}
	}
	buf_free(&right);
	return buf_span(out);
}

/* "owner/target": the one that is meant. */
static bool replace(struct task *t, const char *word)
{
	t->target = NULL;
	t->owner = arena_strdup(&t->work->item.arena, span_str(word));
	if (!t->owner)
		return err_temp(&t->err, "4.3.0", "out of memory");
	t->target = strchr(t->owner, '/');
	*t->target++ = '\0';
	return true;
}

enum schedule_aliased schedule_alias(struct task *t, const struct route *r, struct span right)
{
	struct expansion x = {.q = t->work->q, .task = t, .owner = ""};
	enum schedule_aliased what = SCHEDULE_FAILED;
	char mem[MTA_ADDR_MAX];
	struct span sender = SPAN("");
	struct buf owner;
	bool ok;

	buf_init(&x.finals, LIST_MAX);
	buf_init(&x.seen, LIST_MAX);
	buf_init_fixed(&owner, mem, sizeof mem);
	if (right.ptr) {
		sender = owner_of(x.q, r, &owner);
		add_word(&x.seen, span_str(r->user));
		ok = add_list(&x, right, r->user, 0, &t->err);
	} else {
		ok = add_user(&x, r, 0, &t->err);
	}
	if (!ok || x.later)
		what = x.later ? SCHEDULE_LATER : SCHEDULE_FAILED;
	else if (x.unread)
		what = SCHEDULE_UNREAD;
	else if (x.count == 0)
		err_perm(&t->err, "5.4.6", "%.100s: aliasing/forwarding loop broken", r->user);
	else if (x.count == 1 && span_starts(buf_span(&x.finals), SPAN(SCHEDULE_AGAIN "/")))
		what = SCHEDULE_FAILED;
	else if (x.count == 1 && !sender.len)
		what = replace(t, x.finals.ptr) ? SCHEDULE_REPLACED : SCHEDULE_FAILED;
	else if (schedule_copy(t, buf_span(&x.finals), x.count, sender))
		what = SCHEDULE_COPIED;
	buf_free(&x.finals);
	buf_free(&x.seen);
	return what;
}
