/*
 * The commands that show and mark messages.  POSIX mailx, "Commands in mailx".
 *
 * A message that was printed is read and touched: quit moves it from a system mailbox to
 * MBOX.  Nothing here changes the mailbox itself.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/num.h"
#include "mail_folder.h"

/* Deleted messages keep their numbers until quit, but no command stops at one. */
static size_t next_alive(const struct mail_folder *f, size_t i)
{
	while (i < f->count && (f->msg[i].flags & MSG_DELETED))
		i++;
	return i;
}

/*
 * A value that is no number counts as unset: a typo in a start-up file must not stop the reading.
 */
static uint64_t number_value(const struct mail *m, const char *name, uint64_t otherwise)
{
	uint64_t n;

	return num_parse(span_str(mail_value(m, name)), 10000, &n) ? n : otherwise;
}

/* Through PAGER when crt is set, the terminal is one and the text longer than it. */
static void page(const struct mail *m, FILE *text)
{
	const char *pager = mail_value(m, "PAGER");
	uint64_t lines = 0, limit;
	int c, columns, rows;

	mail_show_size(&columns, &rows);
	limit = number_value(m, "crt", (uint64_t)rows);
	rewind(text);
	while ((c = getc(text)) != EOF)
		lines += c == '\n';
	if (lines <= limit) {
		mail_run_copy(text, stdout);
		return;
	}
	fflush(text);
	lseek(fileno(text), 0, SEEK_SET);
	mail_run_shell(m, pager && *pager ? pager : "more", NULL, fileno(text), -1);
}

/* Into a file first when it may be paged: only its length tells whether a pager is needed. */
static bool print(struct mail *m, bool all, size_t lines)
{
	struct mail_folder *f = m->folder;
	bool paged = mail_value(m, "crt") && isatty(1);
	FILE *out = paged ? mail_run_temp() : stdout;

	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		if (!mail_value(m, "quiet"))
			fprintf(out, "Message %zu:\n", i + 1);
		mail_show_message(m, i, all, lines, out);
		f->msg[i].flags |= MSG_TOUCHED | MSG_READ;
		f->msg[i].flags &= ~(unsigned)MSG_NEW;
		f->dot = i;
		f->printed = true;
	}
	if (paged) {
		page(m, out);
		fclose(out);
	}
	return true;
}

bool mail_read_print(struct mail *m, struct mail_args *a)
{
	(void)a;
	return print(m, false, 0);
}

bool mail_read_print_all(struct mail *m, struct mail_args *a)
{
	(void)a;
	return print(m, true, 0);
}

bool mail_read_top(struct mail *m, struct mail_args *a)
{
	(void)a;
	return print(m, false, (size_t)number_value(m, "toplines", 5));
}

/* Through the marks, as for a list, so that there is one way to print. */
static bool print_one(struct mail *m, size_t i)
{
	struct mail_folder *f = m->folder;

	if (i >= f->count) {
		puts("At EOF");
		return false;
	}
	for (size_t k = 0; k < f->count; k++)
		f->msg[k].flags &= ~(unsigned)MSG_MARK;
	f->msg[i].flags |= MSG_MARK;
	return print(m, false, 0);
}

/* printed tells whether dot was seen: the first RETURN shows dot itself. A list goes round. */
bool mail_read_next(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	size_t i;

	if (a->words == 0)
		return print_one(m, next_alive(f, f->dot + f->printed));
	if (!mail_list_mark(m, a->words, a->word, false))
		return false;
	i = mail_list_next(f, f->dot + f->printed);
	return print_one(m, i < f->count ? i : mail_list_next(f, 0));
}

/* "-" alone or with a count: POSIX has only the mark in a list, everybody has the command. */
bool mail_read_back(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	size_t i = f->dot;
	uint64_t n = 1;

	if (a->words && !num_parse(span_str(a->word[0]), f->count, &n))
		n = 1;
	while (n && i > 0)
		if (!(f->msg[--i].flags & MSG_DELETED))
			n--;
	if (n) {
		puts("Nonzero message count required");
		return false;
	}
	return print_one(m, i);
}

/* Messages of the header list that fit the screen: the variable screen, or the terminal. */
static size_t screenful(const struct mail *m)
{
	int columns, rows;

	mail_show_size(&columns, &rows);
	return (size_t)number_value(m, "screen", rows > 8 ? (uint64_t)rows - 4 : 4) + !rows;
}

static bool show_screen(struct mail *m)
{
	struct mail_folder *f = m->folder;
	size_t left = screenful(m);

	for (size_t i = f->screen; i < f->count && left; i++)
		if (!(f->msg[i].flags & MSG_DELETED)) {
			mail_show_line(m, i, stdout);
			left--;
		}
	return true;
}

/* Screens start at multiples of their size, so that z and h show the same pages. */
bool mail_read_headers(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	size_t at = f->dot, size = screenful(m);

	if (a->words) {
		if (!mail_list_mark(m, a->words, a->word, false))
			return false;
		at = mail_list_next(f, 0);
		f->dot = at;
		f->printed = false;
	}
	if (next_alive(f, 0) >= f->count) {
		puts("No applicable messages");
		return false;
	}
	f->screen = at < f->count ? at - at % size : 0;
	return show_screen(m);
}

/* The current message follows the screen, so that "p" prints what is seen first. */
bool mail_read_scroll(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	size_t size = screenful(m);
	bool back = a->rest[0] == '-';

	if (back ? f->screen == 0 : f->screen + size >= f->count) {
		puts(back ? "On first screenful of messages" : "On last screenful of messages");
		return false;
	}
	f->screen = back ? (f->screen > size ? f->screen - size : 0) : f->screen + size;
	f->dot = next_alive(f, f->screen);
	f->printed = false;
	return show_screen(m);
}

bool mail_read_from(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;

	(void)a;
	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1))
		mail_show_line(m, i, stdout);
	return true;
}

bool mail_read_number(struct mail *m, struct mail_args *a)
{
	(void)a;
	printf("%zu\n", m->folder->dot + (m->folder->count > 0));
	return true;
}

bool mail_read_sizes(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;

	(void)a;
	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		const struct mail_message *msg = mail_folder_known(m, i);

		printf("%zu: %ju/%ju\n", i + 1, (uintmax_t)msg->lines, (uintmax_t)msg->size);
	}
	return true;
}

/* Changes the flags of the marked messages; returns the last of them. */
static size_t change(struct mail *m, unsigned set, unsigned clear)
{
	struct mail_folder *f = m->folder;
	size_t last = f->dot;

	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		f->msg[i].flags = (f->msg[i].flags & ~clear) | set;
		last = i;
	}
	return last;
}

/* Deletes and moves on to what follows; false when nothing does. */
static bool delete (struct mail *m)
{
	struct mail_folder *f = m->folder;
	size_t last = change(m, MSG_DELETED | MSG_TOUCHED, MSG_SAVED | MSG_HELD | MSG_MBOX);
	size_t next = next_alive(f, last);

	f->printed = false;
	f->dot = next;
	if (next < f->count)
		return true;
	f->dot = last;
	for (size_t i = last; i-- > 0 && (f->msg[f->dot].flags & MSG_DELETED);)
		f->dot = i;
	return false;
}

/* autoprint makes d what dp is, for those who used mail that way. */
bool mail_read_delete(struct mail *m, struct mail_args *a)
{
	bool more = delete (m);

	(void)a;
	return !mail_value(m, "autoprint") || (more && print_one(m, m->folder->dot));
}

bool mail_read_delete_print(struct mail *m, struct mail_args *a)
{
	(void)a;
	return print_one(m, delete (m) ? m->folder->dot : m->folder->count);
}

bool mail_read_undelete(struct mail *m, struct mail_args *a)
{
	(void)a;
	m->folder->dot = change(m, 0, MSG_DELETED);
	m->folder->printed = false;
	return true;
}

/* Held messages stay in the system mailbox whatever else was done to them. */
bool mail_read_hold(struct mail *m, struct mail_args *a)
{
	(void)a;
	m->folder->dot = change(m, MSG_HELD, MSG_MBOX);
	return true;
}

/* The later of hold and mbox wins: each clears the other's mark. */
bool mail_read_mbox(struct mail *m, struct mail_args *a)
{
	(void)a;
	m->folder->dot = change(m, MSG_MBOX | MSG_TOUCHED, MSG_HELD);
	return true;
}

bool mail_read_touch(struct mail *m, struct mail_args *a)
{
	(void)a;
	m->folder->dot = change(m, MSG_TOUCHED | MSG_READ, MSG_HELD | MSG_NEW);
	return true;
}

/* Held too, or quit would take a message that nobody has read out of the system mailbox. */
bool mail_read_unread(struct mail *m, struct mail_args *a)
{
	(void)a;
	m->folder->dot = change(m, MSG_HELD, MSG_READ | MSG_TOUCHED);
	return true;
}

/*
 * Ends even when the mailbox could not be written: it is unchanged then, and the status says so.
 */
bool mail_read_quit(struct mail *m, struct mail_args *a)
{
	(void)a;
	if (!mail_folder_close(m, true))
		m->status = EXIT_TEMPFAIL;
	m->over = true;
	return m->status == 0;
}

/* Without commit: marks, deletions and reads are forgotten, as POSIX wants of exit. */
bool mail_read_exit(struct mail *m, struct mail_args *a)
{
	(void)a;
	mail_folder_close(m, false);
	m->over = true;
	return true;
}

bool mail_read_help(struct mail *m, struct mail_args *a)
{
	(void)m;
	(void)a;
	puts("LIST is numbers (3, 2-5), * ^ $ . + -, a sender, /subject, :n :o :r :u :d\n"
	     "p, t [LIST]       print; P, T with all header fields; top: the first lines\n"
	     "n, RETURN, +, -   next and previous message; a NUMBER prints that one\n"
	     "h [LIST], z, z-   list headers; next and previous screenful; f LIST\n"
	     "d, u [LIST]       delete, undelete; dp, dt: delete and print the next\n"
	     "s, c, w [LIST] FILE   save, copy, write the text alone\n"
	     "r, R [LIST]       reply to all, to the sender; m ADDRESS: mail\n"
	     "ho, mb, tou, U [LIST] hold, to mbox, touch, mark unread; si: sizes\n"
	     "fi [FOLDER]       show or change the folder (% & + ~ are understood)\n"
	     "| [LIST] COMMAND, ! COMMAND, sh, e, v, cd, ec, so, =\n"
	     "se, uns, a, una, ig, ret, alt   variables, aliases, header fields\n"
	     "q                 quit, with what was changed; x: leave all as it was");
	return true;
}
