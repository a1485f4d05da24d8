/*
 * The open folder: its messages, what quit does with them.  POSIX mailx, "quit", "exit".
 *
 * The mailbox is only changed by mailbox_commit, which holds the lock and keeps the mail
 * that came since it was opened.  A message leaves it for MBOX only after MBOX has it.
 */
#include "mail_folder.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/address.h"
#include "format/date.h"
#include "format/header.h"
#include "service/account_part.h"
#include "service/mailbox.h"
#include "service/settings.h"
#include "sys/clock.h"

static bool complain(const struct err *e)
{
	fprintf(stderr, "mail: %s\n", e->text);
	return false;
}

/*
 * MAIL is asked first, since login sets it, but settings of ours know better: deliver uses them
 * too, and reader and writer must agree on the place.
 */
void mail_folder_system(const char *user, char *path, size_t cap)
{
	const char *name = user ? user : mail_user_name();
	const char *mail = getenv("MAIL");
	struct account_source src;
	struct account account;
	struct settings set;
	struct err e;
	bool found = false, ours = settings_init(&set, &e);

	if (!user && !(ours && (set.mailbox[0] || set.users[0])) && mail && *mail) {
		snprintf(path, cap, "%s", mail);
		return;
	}
	if (ours && account_source_init(&src, set.users, set.mailbox, &e)) {
		/* Nobody needs an entry anywhere to read mail: then the names at hand must do. */
		struct passwd made = {.pw_name = (char *)name,
				      .pw_uid = getuid(),
				      .pw_gid = getgid(),
				      .pw_gecos = "",
				      .pw_dir = getenv("HOME")};

		found = account_find(&src, span_str(name), &account, &e) ||
			(account_name_ok(span_str(name)) &&
			 account_from_passwd(&src, &made, &account, &e));
		account_source_free(&src);
	}
	snprintf(path, cap, "%s%s", found ? "" : "/var/mail/", found ? account.mailbox : name);
	if (!found && strchr(name, '/'))
		path[0] = '\0';
}

/* New is what no reader has listed yet; old and unread is a state of its own (Status: O). */
static unsigned flags_of(unsigned stored)
{
	unsigned flags = 0;

	if (stored & MAILBOX_SEEN)
		flags |= MSG_READ;
	else if (!(stored & MAILBOX_OLD))
		flags |= MSG_NEW;
	if (stored & MAILBOX_ANSWERED)
		flags |= MSG_ANSWERED;
	return flags;
}

/* Summaries are made when needed, so most pointers are still NULL: free takes that. */
static void release(struct mail *m)
{
	struct mail_folder *f = m->folder;

	mailbox_close(f->box);
	for (size_t i = 0; i < f->count; i++) {
		free(f->msg[i].sender);
		free(f->msg[i].subject);
	}
	free(f->msg);
	free(f);
	m->folder = NULL;
}

/* The first new message, else the first unread, else the first: POSIX mailx, "Receive Mode". */
static size_t first_dot(const struct mail_folder *f)
{
	size_t unread = f->count;

	for (size_t i = 0; i < f->count; i++) {
		if (f->msg[i].flags & MSG_NEW)
			return i;
		if (!(f->msg[i].flags & (MSG_READ | MSG_DELETED)) && unread == f->count)
			unread = i;
	}
	return unread < f->count ? unread : 0;
}

/* No system mailbox is no error: it means that there is no mail. */
static bool load(struct mail *m, const char *path, bool system)
{
	unsigned how = MAILBOX_MUST_EXIST | (m->read_only ? MAILBOX_READ_ONLY : 0);
	struct mail_folder *f = mail_alloc(sizeof *f);
	struct err e = {0};

	snprintf(f->name, sizeof f->name, "%s", path);
	f->system = system;
	f->box = mailbox_open(path, how, getenv("HOME"), &e);
	/* A mailbox one may only look at is still worth looking at. */
	if (!f->box && !m->read_only && (e.sys == EACCES || e.sys == EROFS))
		f->box = mailbox_open(path, how | MAILBOX_READ_ONLY, NULL, &e);
	if (!f->box) {
		free(f);
		return e.sys == ENOENT && system ? false : complain(&e);
	}
	f->count = mailbox_count(f->box);
	f->msg = mail_alloc(f->count * sizeof *f->msg);
	for (size_t i = 0; i < f->count; i++)
		f->msg[i].flags = flags_of(mailbox_flags(f->box, i));
	f->dot = first_dot(f);
	m->folder = f;
	return true;
}

/* The new one must be readable before the old is closed: a typo must not end the session. */
bool mail_folder_open(struct mail *m, const char *path, const char *user)
{
	char name[4096], own[4096];
	bool system;

	mail_folder_system(user, own, sizeof own);
	if (!path)
		snprintf(name, sizeof name, "%s", own);
	else if (!mail_file_name(m, path, name, sizeof name))
		return false;
	system = strcmp(name, own) == 0;
	if (m->folder && access(name, R_OK) != 0) {
		fprintf(stderr, "mail: %s: %s\n", name, strerror(errno));
		return false;
	}
	if (m->folder && !mail_folder_close(m, true))
		return false;
	if (load(m, name, system) && (m->folder->count || !system))
		return true;
	if (system && !m->quiet && (m->folder || access(name, F_OK) != 0))
		fprintf(stderr, "No mail for %s\n", user ? user : mail_user_name());
	if (m->folder)
		release(m);
	return false;
}

/* Every message was listed now, so none is new; the read ones are seen. */
static void mark(struct mail_folder *f, size_t i)
{
	unsigned flags = f->msg[i].flags, set = MAILBOX_OLD, clear = 0;

	if (flags & MSG_READ)
		set |= MAILBOX_SEEN;
	else
		clear |= MAILBOX_SEEN;
	if (flags & MSG_ANSWERED)
		set |= MAILBOX_ANSWERED;
	if (flags & MSG_DELETED)
		set |= MAILBOX_DELETED;
	mailbox_mark(f->box, i, set, clear);
}

bool mail_folder_copy(struct mail *m, size_t i, const char *path)
{
	struct err e;

	mark(m->folder, i); /* the copy takes the marks along */
	return mailbox_copy(m->folder->box, i, path, &e) || complain(&e);
}

/* Appends what was read to MBOX; these messages then may leave the system mailbox. */
static size_t move_to_mbox(struct mail *m, const char *path, bool *ok)
{
	struct mail_folder *f = m->folder;
	bool hold = mail_value(m, "hold") != NULL;
	size_t moved = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct mail_message *msg = &f->msg[i];

		if (msg->flags & (MSG_DELETED | MSG_HELD) || !(msg->flags & MSG_TOUCHED))
			continue;
		if (msg->flags & MSG_SAVED) {
			if (!mail_value(m, "keepsave"))
				msg->flags |= MSG_DELETED;
		} else if (!hold || (msg->flags & MSG_MBOX)) {
			if (!mail_folder_copy(m, i, path)) {
				*ok = false;
				return moved;
			}
			msg->flags |= MSG_DELETED;
			moved++;
		}
	}
	return moved;
}

/* Only told: the messages in hand must keep their numbers until the folder is opened again. */
void mail_folder_news(struct mail *m)
{
	if (mailbox_has_grown(m->folder->box))
		puts("New mail has arrived.");
}

bool mail_folder_close(struct mail *m, bool commit)
{
	struct mail_folder *f = m->folder;
	struct mailbox_result res = {0};
	struct err e;
	char mbox[4096];
	bool ok = true;
	size_t moved = 0;

	if (!f)
		return true;
	if (commit && !m->read_only) {
		if (f->system && mail_file_name(m, "&", mbox, sizeof mbox))
			moved = move_to_mbox(m, mbox, &ok);
		for (size_t i = 0; i < f->count; i++)
			mark(f, i);
		mail_folder_news(m);
		if (!mailbox_commit(f->box, &res, &e)) {
			ok = complain(&e);
		} else {
			if (moved)
				printf("Saved %zu message%s in %s\n", moved, moved == 1 ? "" : "s",
				       mbox);
			if (f->system && res.kept)
				printf("Held %zu message%s in %s\n", res.kept,
				       res.kept == 1 ? "" : "s", f->name);
			else if (!f->system && res.deleted)
				printf("\"%s\" complete\n", f->name);
		}
	}
	release(m);
	return ok;
}

/* In pieces: a message may be larger than memory. */
static bool read_message(struct mail *m, size_t i, uint64_t lines,
			 void (*take)(void *to, struct span octets), void *to)
{
	struct mailbox_reader r;
	struct err e;
	char chunk[4096];
	size_t got;
	bool ok;

	if (!mailbox_read_open(m->folder->box, i, MAILBOX_LF, lines, &r, &e))
		return complain(&e);
	while ((ok = mailbox_read(&r, chunk, sizeof chunk, &got, &e)) && got)
		take(to, span_make(chunk, got));
	mailbox_read_close(&r);
	return ok || complain(&e);
}

static void take_header(void *to, struct span octets)
{
	buf_put(to, octets);
}

bool mail_folder_header(struct mail *m, size_t i, struct buf *out)
{
	return read_message(m, i, 0, take_header, out);
}

bool mail_folder_read(struct mail *m, size_t i, void (*take)(void *to, struct span octets),
		      void *to)
{
	return read_message(m, i, MAILBOX_WHOLE, take, to);
}

/* The date of the envelope, else of the header, as the header list shows it. */
static void put_date(struct mail *m, size_t i, struct span header, char *out, size_t cap)
{
	struct header_field field;
	struct buf text;
	struct err e;
	int64_t t = -1;

	buf_init(&text, 1024);
	if (mailbox_envelope(m->folder->box, i, &text, &e))
		date_parse_ctime(span_skip(buf_span(&text), span_index(buf_span(&text), ' ') + 1),
				 &t);
	if (t < 0 && header_find(header, SPAN("date"), &field))
		date_parse(field.value, &t, NULL);
	buf_reset(&text);
	if (t >= 0)
		date_put_ctime(&text, t, clock_zone(t));
	buf_truncate(&text, 16);
	snprintf(out, cap, "%s", buf_cstr(&text));
	buf_free(&text);
}

/* Of strangers, for a terminal: decoded and made harmless by mail_show_text. */
static char *printable_field(struct span header, struct span name, bool address)
{
	struct header_field field;
	struct address_list list;
	struct address_item item;
	struct buf out;
	char *copy;

	buf_init(&out, 4096);
	if (header_find(header, name, &field)) {
		address_list_init(&list, field.value);
		if (!address)
			mail_show_text(field.value, &out);
		else if (address_list_next(&list, &item))
			mail_show_text(item.addr.len ? item.addr : item.raw, &out);
	}
	copy = mail_strdup(buf_cstr(&out));
	buf_free(&out);
	return copy;
}

/* On demand: reading the header of every message of a large mailbox would delay the prompt. */
struct mail_message *mail_folder_known(struct mail *m, size_t i)
{
	struct mail_message *msg = &m->folder->msg[i];
	struct mailbox_info info = {0};
	struct buf header;
	struct err e;

	if (msg->flags & MSG_KNOWN)
		return msg;
	buf_init(&header, HEADER_TOTAL_MAX * 4);
	mail_folder_header(m, i, &header);
	mailbox_info(m->folder->box, i, &info, &e);
	msg->size = info.size;
	msg->lines = info.lines;
	put_date(m, i, buf_span(&header), msg->date, sizeof msg->date);
	msg->sender = printable_field(buf_span(&header), SPAN("from"), true);
	msg->subject = printable_field(buf_span(&header), SPAN("subject"), false);
	msg->flags |= MSG_KNOWN;
	buf_free(&header);
	return msg;
}

void mail_folder_summary(const struct mail *m)
{
	const struct mail_folder *f = m->folder;
	size_t fresh = 0, unread = 0;

	for (size_t i = 0; i < f->count; i++) {
		fresh += (f->msg[i].flags & MSG_NEW) != 0;
		unread += !(f->msg[i].flags & MSG_READ);
	}
	printf("\"%s\": %zu message%s", f->name, f->count, f->count == 1 ? "" : "s");
	if (fresh)
		printf(" %zu new", fresh);
	if (unread)
		printf(" %zu unread", unread);
	puts(m->read_only ? " [Read only]" : "");
}
