/*
 * service/mailbox: mbox files and Maildirs with all that people put in them.
 *
 * The scan and the reader are compared with the streaming machines of format/mbox.h, which
 * were written and tested apart from them.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/mbox.h"
#include "service/mailbox.h"
#include "unit/test.h"

static char dir[64], path[128], link_path[128];

static void set_up(void)
{
	/* In memory where there is such a place: commits flush. */
	snprintf(dir, sizeof dir, "%s/mailbox_test.%ld",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
	snprintf(path, sizeof path, "%s/box", dir);
	snprintf(link_path, sizeof link_path, "%s/link", dir);
	mkdir(dir, 0700);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(name);
}

static void tear_down(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, struct span text, int flags)
{
	int fd = open(name, O_WRONLY | O_CREAT | flags, 0600);

	CHECK(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
	close(fd);
}

static void put_box(struct span text)
{
	put_file(path, text, O_TRUNC);
}

/* The whole file, in memory that the next call reuses. */
static struct span get_file(const char *name)
{
	static char mem[1 << 20];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, mem, sizeof mem) : -1;

	if (fd >= 0)
		close(fd);
	return span_make(mem, n > 0 ? (size_t)n : 0);
}

static struct mailbox *open_box(const char *name)
{
	struct err e = {0};
	struct mailbox *m = mailbox_open(name, 0, dir, &e);

	if (!m)
		TEST_FAIL("%s: %s", name, e.text);
	return m;
}

static void read_all(struct mailbox *m, size_t i, enum mailbox_form form, uint64_t lines,
		     size_t cap, struct buf *out)
{
	struct mailbox_reader r;
	struct err e = {0};
	char mem[70000];
	size_t got;

	buf_reset(out);
	CHECK(mailbox_read_open(m, i, form, lines, &r, &e));
	do {
		CHECK(mailbox_read(&r, mem, cap, &got, &e));
		CHECK(got <= cap);
		buf_put(out, span_make(mem, got));
	} while (got);
	mailbox_read_close(&r);
	if (e.class != ERR_NONE)
		TEST_FAIL("%s", e.text);
}

#define F "From a@b.example Tue Nov 24 03:18:05 2026\n"
#define G "From c@d.example Wed Nov 25 03:18:05 2026\n"

static const struct {
	const char *text;
	size_t len;
} boxes[] = {
#define BOX(lit)                    \
	{                           \
		lit, sizeof lit - 1 \
	}
    BOX(""),
    BOX("\n\n"),
    BOX(F),
    BOX(F "\n"),
    BOX(F "\n\n"),
    BOX(F "\r\n"),
    BOX(F "S: 1\n\nbody\n\n" G "S: 2\n\nbody\n\n"),
    BOX(F "S: 1\n\nno final newline"),
    BOX(F "S: 1\n\nfinal cr\r"),
    BOX(F "S: 1\n\nno separator\n"),
    BOX(F "S: 1"),
    BOX(F "S: 1\n"),
    BOX(F "S: 1\n\n" G "S: 2\n\n\n\n\n" F "\n" G "x\n\n"),
    BOX(F G F "\n" G "\n"),
    BOX("\n\r\n" F "S: 1\n\nleading blanks\n"),
    BOX(F "S: 1\n\nFrom here on text\n\nFrom me to you\n\n>From quoted\n>>From twice\n> From\n>"
	  "Fro\n>\n\n" G "S: 2\n\n>From x\n"),
    BOX(F "S: 1\n\n" F "S: 2\n\nfrom in body\n" G "not a border\n\n" G "a border\n"),
    BOX(F "S: 1\r\n\r\ncrlf\r\n.\r\n..\r\n\r\n" G "S: 2\r\n\r\nmore\rbare\r\r\n\r\n"),
    BOX(F "S: 1\n\nnul \0 and \377 8-bit\n.\n..\n.x\n\n" G "\0\n\n\0\n"),
    BOX(F ">From in header\nS: 1\n folded\n\n.\n"),
    BOX(F "S: 1\n\nFrom \n\nFrom x Tue\n\nF\n\n"),
    BOX(F "S: 1\n\n\n>From after blank\n\n\n" G),
};

/* What the streaming machines say about the text. */
static size_t scan_slow(struct span text, struct mbox_message *out, size_t max)
{
	struct mbox_scan s;
	struct span in = text;
	size_t n = 0;

	mbox_scan_init(&s, 0);
	while (n < max && mbox_scan_feed(&s, &in, &out[n]))
		n++;
	if (n < max && mbox_scan_finish(&s, &out[n]))
		n++;
	return n;
}

static void compare_message(struct mailbox *m, size_t i, struct span text,
			    const struct mbox_message *want, struct buf *got, struct buf *expect)
{
	static const size_t caps[] = {16, 17, 61, 4096, 65536};
	struct span raw = span_make(text.ptr + want->start, want->end - want->start);
	struct mailbox_info info;
	struct mbox_unquote u;
	struct err e;

	CHECK(mailbox_info(m, i, &info, &e));
	CHECK_INT(info.octets, want->crlf);
	CHECK_INT(info.size, want->size);
	CHECK_INT(info.lines, want->lines);
	for (int crlf = 0; crlf < 2; crlf++) {
		buf_reset(expect);
		mbox_unquote_init(&u, crlf);
		mbox_unquote_feed(&u, raw, expect);
		mbox_unquote_finish(&u, expect);
		CHECK_INT(expect->len, crlf ? info.octets : info.size);
		for (size_t c = 0; c < sizeof caps / sizeof caps[0]; c++) {
			read_all(m, i, crlf ? MAILBOX_CRLF : MAILBOX_LF, MAILBOX_WHOLE, caps[c],
				 got);
			CHECK_SPAN(buf_span(got), buf_span(expect));
		}
	}
}

static void compare_box(struct span text)
{
	static struct mbox_message want[4096];
	size_t n = scan_slow(text, want, 4096);
	struct buf got, expect;
	struct mailbox *m;

	put_box(text);
	m = open_box(path);
	if (!m)
		return;
	buf_init(&got, 4 << 20);
	buf_init(&expect, 4 << 20);
	CHECK_INT(mailbox_count(m), n);
	for (size_t i = 0; i < n && i < mailbox_count(m); i++)
		compare_message(m, i, text, &want[i], &got, &expect);
	buf_free(&got);
	buf_free(&expect);
	mailbox_close(m);
}

TEST(odd_mboxes)
{
	set_up();
	for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
		int before = test_failures;

		compare_box(span_make(boxes[i].text, boxes[i].len));
		if (test_failures != before)
			printf("# in box %zu\n", i);
	}
	tear_down();
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

TEST(random_mboxes)
{
	static const char *const parts[] = {
	    "\n", "\r\n",    "From ", ">",      F,        G,      "x", ".",
	    "\r", "S: text", "\n\n",  ">From ", "\n\n" F, "\n" F, " ", "Status: RO\n"};
	uint32_t state = 7;
	struct buf b;

	set_up();
	buf_init(&b, 1 << 20);
	for (int round = 0; round < 400; round++) {
		buf_reset(&b);
		buf_puts(&b, F);
		for (uint32_t n = next_random(&state) % 60; n; n--)
			buf_puts(&b, parts[next_random(&state) % (sizeof parts / sizeof parts[0])]);
		compare_box(buf_span(&b));
	}
	buf_free(&b);
	tear_down();
}

/* Every interesting octet once at every place around the end of the window. */
TEST(window_borders)
{
	static const char tail[] =
	    "\nend\r\n\r\n" G "S: 2\n\nbody\n>From x\n>>From y\n.\n\n" F "S: 3\r\n\r\nlast";
	struct buf b;

	set_up();
	buf_init(&b, 1 << 20);
	for (size_t shift = 0; shift < sizeof tail + 8; shift += 1) {
		buf_reset(&b);
		buf_puts(&b, F "S: 1\n\n");
		while (b.len < MAILBOX_WINDOW - sizeof tail + shift)
			buf_putc(&b, b.len % 70 == 69 ? '\n' : 'x');
		buf_puts(&b, tail);
		compare_box(buf_span(&b));
	}
	/* The same for a header line longer than the window. */
	for (size_t shift = 0; shift < sizeof tail; shift += 3) {
		buf_reset(&b);
		buf_puts(&b, F "S: 1\nLong: ");
		while (b.len < MAILBOX_WINDOW - sizeof tail + shift)
			buf_putc(&b, 'x');
		buf_puts(&b, tail);
		compare_box(buf_span(&b));
	}
	buf_free(&b);
	tear_down();
}

TEST(dots_and_tops)
{
	static const struct {
		uint64_t lines;
		const char *want;
	} rows[] = {{0, "S: 1\r\n\r\n"},
		    {1, "S: 1\r\n\r\n..\r\n"},
		    {3, "S: 1\r\n\r\n..\r\n\r\n...x\r\n"},
		    {4, "S: 1\r\n\r\n..\r\n\r\n...x\r\nFrom z\r\n"},
		    {9, "S: 1\r\n\r\n..\r\n\r\n...x\r\nFrom z\r\nend\r\n"},
		    {MAILBOX_WHOLE, "S: 1\r\n\r\n..\r\n\r\n...x\r\nFrom z\r\nend\r\n"}};
	struct mailbox *m;
	struct buf got;

	set_up();
	put_box(SPAN(F "S: 1\n\n.\n\n..x\n>From z\nend\n\n"));
	m = open_box(path);
	buf_init(&got, 1000);
	for (size_t i = 0; m && i < sizeof rows / sizeof rows[0]; i++) {
		read_all(m, 0, MAILBOX_DOTTED, rows[i].lines, 16, &got);
		CHECK_SPAN(buf_span(&got), span_str(rows[i].want));
	}
	buf_free(&got);
	mailbox_close(m);
	tear_down();
}

TEST(uids)
{
	char uid[6][MAILBOX_UID_MAX + 1], again[MAILBOX_UID_MAX + 1];
	struct mailbox *m;

	set_up();
	put_box(SPAN(F "S: 1\n\nx\n\n" F "S: 1\n\nx\n\n" F "S: 1\n\ny\n\n" F "S: 2\n\nx\n\n" G
		       "S: 1\n\nx\n\n" F "S: 1\n\nx\n"));
	m = open_box(path);
	CHECK_INT(mailbox_count(m), 6);
	for (size_t i = 0; i < 6; i++) {
		mailbox_uid(m, i, uid[i]);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(uid[i], uid[j]) != 0);
	}
	mailbox_close(m);
	/* Another program's notes, and mail behind, change nothing. */
	put_box(SPAN(F "Status: RO\nS: 1\nX-UID: 17\n\nx\n\n" F "S: 1\nX-Status: A\n\nx\n\n" F
		       "S: 1\n\ny\n\n" F "S: 2\n\nx\n\n" G "S: 1\n\nx\n\n" F "S: 1\n\nx\n\n" F
		       "S: 1\n\nnew\n\n"));
	m = open_box(path);
	CHECK_INT(mailbox_count(m), 7);
	for (size_t i = 0; i < 6; i++) {
		mailbox_uid(m, i, again);
		CHECK_SPAN(span_str(again), span_str(uid[i]));
	}
	CHECK_INT(mailbox_flags(m, 0), MAILBOX_SEEN | MAILBOX_OLD);
	CHECK_INT(mailbox_flags(m, 1), MAILBOX_ANSWERED);
	mailbox_close(m);
	tear_down();
}

TEST(internal_message_is_kept_and_hidden)
{
	struct mailbox *m;
	struct err e;

	set_up();
	put_box(SPAN(F "Subject: internal\nX-IMAP: 1 2\n\nnotes\n\n" G "S: 1\n\nx\n\n" F
		       "S: 2\n\ny\n\n"));
	m = open_box(path);
	CHECK_INT(mailbox_count(m), 2);
	mailbox_mark(m, 0, MAILBOX_DELETED, 0);
	CHECK(mailbox_commit(m, NULL, &e));
	mailbox_close(m);
	CHECK_SPAN(get_file(path),
		   SPAN(F "Subject: internal\nX-IMAP: 1 2\n\nnotes\n\n" F "S: 2\n\ny\n\n"));
	tear_down();
}

/* Deletes by the bits of mask, with the last messages unfinished or new mail behind. */
static void commit_one(const char *name, unsigned mask, const char *last, const char *new)
{
	static const char *const msgs[] = {F "S: 1\n\none\n\n", G "S: 2\n\n>From two\n\n",
					   F "S: 3\n\nthree\n\n"};
	struct mailbox_result res = {0};
	struct mailbox *m;
	struct buf before, after;
	struct err e = {0};

	buf_init(&before, 4096);
	buf_init(&after, 4096);
	for (size_t i = 0; i < 3; i++) {
		buf_puts(&before, msgs[i]);
		if (!(mask >> i & 1))
			buf_puts(&after, msgs[i]);
	}
	buf_puts(&before, last);
	if (!(mask & 8)) {
		buf_puts(&after, last);
		buf_puts(&after, new);
	} else {
		buf_puts(&after, new[0] == '\n' ? strchr(new, 'F') : new);
	}
	put_box(buf_span(&before));
	m = open_box(name);
	CHECK_INT(mailbox_count(m), 4);
	for (size_t i = 0; i < 4; i++)
		if (mask >> i & 1)
			mailbox_mark(m, i, MAILBOX_DELETED, 0);
	put_file(path, span_str(new), O_APPEND);
	if (!mailbox_commit(m, &res, &e))
		TEST_FAIL("%s", e.text);
	CHECK_INT(res.deleted, __builtin_popcount(mask));
	CHECK_INT(res.grown, new[0] != '\0');
	mailbox_close(m);
	CHECK_SPAN(get_file(path), buf_span(&after));
	buf_free(&before);
	buf_free(&after);
}

static void commit_all(const char *name)
{
	for (unsigned mask = 0; mask < 16; mask++) {
		commit_one(name, mask, F "S: 4\n\nfour\n\n", "");
		commit_one(name, mask, F "S: 4\n\nfour\n\n", G "S: 5\n\nfive\n\n");
		commit_one(name, mask, F "S: 4\n\nunfinished", "\n\n" G "S: 5\n\nfive\n\n");
		commit_one(name, mask, F "S: 4\n\nno separator\n", "\n" G "S: 5\n\nfive\n\n");
	}
}

TEST(commit_by_rename)
{
	set_up();
	commit_all(path);
	tear_down();
}

/* A symbolic link cannot be replaced, so the journal is taken. */
TEST(commit_by_journal)
{
	set_up();
	CHECK(symlink(path, link_path) == 0);
	commit_all(link_path);
	CHECK_INT(get_file(link_path).len > 0, 1);
	tear_down();
}

TEST(commit_keeps_mode)
{
	struct mailbox *m;
	struct stat st;
	struct err e;

	set_up();
	put_box(SPAN(F "S: 1\n\none\n\n" F "S: 2\n\ntwo\n\n"));
	chmod(path, 0640);
	m = open_box(path);
	mailbox_mark(m, 0, MAILBOX_DELETED, 0);
	CHECK(mailbox_commit(m, NULL, &e));
	mailbox_close(m);
	CHECK(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	tear_down();
}

TEST(commit_writes_marks)
{
	static const struct {
		unsigned set;
		const char *before, *after;
	} rows[] = {
	    {MAILBOX_SEEN, F "S: 1\n\nx\n\n", F "S: 1\nStatus: R\n\nx\n\n"},
	    {MAILBOX_SEEN, F "Status: O\nS: 1\n\nx\n\n", F "S: 1\nStatus: RO\n\nx\n\n"},
	    {MAILBOX_OLD | MAILBOX_ANSWERED, F "X-Status: F\n x\nS: 1\n\nx",
	     F "S: 1\nStatus: O\nX-Status: AF\n\nx"},
	    {MAILBOX_OLD, F "S: 1", F "S: 1\nStatus: O\n"},
	    {MAILBOX_OLD, F "S: 1\n", F "S: 1\nStatus: O\n"},
	    {MAILBOX_OLD, F "\n", F "Status: O\n\n"},
	    {MAILBOX_OLD, F "S: 1\r\n\r\nx\r\n", F "S: 1\r\nStatus: O\n\r\nx\r\n"},
	    {MAILBOX_OLD, F "Status: O\nS: 1\n\nx\n", F "Status: O\nS: 1\n\nx\n"},
	};
	struct mailbox *m;
	struct err e;

	set_up();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_box(span_str(rows[i].before));
		m = open_box(path);
		mailbox_mark(m, 0, rows[i].set, 0);
		CHECK(mailbox_commit(m, NULL, &e));
		mailbox_close(m);
		CHECK_SPAN(get_file(path), span_str(rows[i].after));
	}
	tear_down();
}

TEST(changes_by_others_are_seen)
{
	struct mailbox *m;
	struct err e;

	set_up();
	put_box(SPAN(F "S: 1\n\none\n\n" F "S: 2\n\ntwo\n\n"));
	m = open_box(path);
	mailbox_mark(m, 0, MAILBOX_DELETED, 0);
	put_box(SPAN(F "S: 2\n\ntwo\n\n" F "S: 3\n\nthree\n\n"));
	CHECK(!mailbox_commit(m, NULL, &e));
	CHECK_INT(e.class, ERR_TEMP);
	mailbox_close(m);
	CHECK_SPAN(get_file(path), SPAN(F "S: 2\n\ntwo\n\n" F "S: 3\n\nthree\n\n"));
	tear_down();
}

TEST(sessions_exclude_each_other)
{
	struct mailbox *m, *n;
	struct err e;

	set_up();
	put_box(SPAN(F "S: 1\n\none\n\n"));
	m = mailbox_open(path, MAILBOX_SESSION, NULL, &e);
	CHECK(m != NULL);
	n = mailbox_open(path, MAILBOX_SESSION, NULL, &e);
	CHECK(n == NULL);
	CHECK_INT(e.sys, EBUSY);
	n = mailbox_open(path, 0, NULL, &e);
	CHECK(n != NULL);
	mailbox_close(n);
	mailbox_close(m);
	m = mailbox_open(path, MAILBOX_SESSION, NULL, &e);
	CHECK(m != NULL);
	mailbox_close(m);
	tear_down();
}

TEST(no_mailbox)
{
	struct mailbox *m;
	struct err e;

	set_up();
	m = mailbox_open(path, 0, NULL, &e);
	CHECK(m && mailbox_count(m) == 0);
	CHECK(mailbox_commit(m, NULL, &e));
	mailbox_close(m);
	CHECK(mailbox_open(path, MAILBOX_MUST_EXIST, NULL, &e) == NULL);
	put_box(SPAN("This is a text.\n"));
	CHECK(mailbox_open(path, 0, NULL, &e) == NULL);
	CHECK_INT(e.class, ERR_PERM);
	CHECK(mailbox_open(dir, 0, NULL, &e) == NULL);
	CHECK(mailbox_open("/dev/null", 0, NULL, &e) == NULL);
	tear_down();
}

static void make_maildir(void)
{
	static const char *const subs[] = {"", "/new", "/cur", "/tmp"};
	char name[200];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%s%s", path, subs[i]);
		mkdir(name, 0700);
	}
}

static void put_in(const char *file, struct span text)
{
	char name[300];

	snprintf(name, sizeof name, "%s/%s", path, file);
	put_file(name, text, O_TRUNC);
}

static bool is_in(const char *file)
{
	char name[300];

	snprintf(name, sizeof name, "%s/%s", path, file);
	return access(name, F_OK) == 0;
}

static void move_in(const char *from, const char *to)
{
	char a[300], b[300];

	snprintf(a, sizeof a, "%s/%s", path, from);
	snprintf(b, sizeof b, "%s/%s", path, to);
	CHECK(rename(a, b) == 0);
}

TEST(maildir_list_and_sizes)
{
	static const struct {
		const char *file;
		struct span text;
		uint64_t octets, size, lines;
		unsigned flags;
		const char *uid;
	} rows[] = {
	    {"cur/100.M5P1.host:2,RS",
	     {"S: 1\n\nx\n", 8},
	     11,
	     8,
	     3,
	     MAILBOX_OLD | MAILBOX_SEEN | MAILBOX_ANSWERED,
	     "100.M5P1.host"},
	    {"new/100.M40P1.host,S=8", {"S: 2\n\nunfinished", 16}, 20, 16, 3, 0, "100.M40P1.host"},
	    {"cur/200.x:2,F",
	     {"S: 3\r\n\r\ncr\r", 11},
	     12,
	     11,
	     3,
	     MAILBOX_OLD | MAILBOX_FLAGGED,
	     "200.x"},
	    {"new/300.M1.y", {"", 0}, 0, 0, 0, 0, "300.M1.y"},
	    {"new/400.z", {">From is no quote\n\0\n", 20}, 22, 20, 2, 0, "400.z"},
	};
	struct mailbox_info info;
	char uid[MAILBOX_UID_MAX + 1];
	struct mailbox *m;
	struct buf got;
	struct err e;

	set_up();
	make_maildir();
	for (size_t i = 5; i-- > 0;)
		put_in(rows[i].file, rows[i].text);
	put_in("new/.hidden", SPAN("x"));
	m = open_box(path);
	CHECK(mailbox_is_maildir(m));
	CHECK_INT(mailbox_count(m), 5);
	buf_init(&got, 1000);
	for (size_t i = 0; i < 5 && i < mailbox_count(m); i++) {
		read_all(m, i, MAILBOX_LF, MAILBOX_WHOLE, 16, &got);
		CHECK_SPAN(buf_span(&got), rows[i].text);
		CHECK(mailbox_info(m, i, &info, &e));
		CHECK_INT(info.octets, rows[i].octets);
		CHECK_INT(info.size, rows[i].size);
		CHECK_INT(info.lines, rows[i].lines);
		CHECK_INT(info.flags, rows[i].flags);
		mailbox_uid(m, i, uid);
		CHECK_SPAN(span_str(uid), span_str(rows[i].uid));
		read_all(m, i, MAILBOX_CRLF, MAILBOX_WHOLE, 17, &got);
		CHECK_INT(got.len, rows[i].octets);
	}
	buf_free(&got);
	mailbox_close(m);
	tear_down();
}

TEST(maildir_commit)
{
	struct mailbox_result res;
	struct mailbox *m;
	struct buf got;
	struct err e;

	set_up();
	make_maildir();
	put_in("new/1.a", SPAN("S: 1\n\n"));
	put_in("new/2.b", SPAN("S: 2\n\n"));
	put_in("cur/3.c:2,", SPAN("S: 3\n\n"));
	put_in("cur/4.d:2,S", SPAN("S: 4\n\n"));
	m = open_box(path);
	mailbox_mark(m, 0, MAILBOX_DELETED, 0);
	mailbox_mark(m, 1, MAILBOX_SEEN | MAILBOX_OLD, 0);
	mailbox_mark(m, 2, MAILBOX_DELETED, 0);
	mailbox_mark(m, 2, 0, MAILBOX_DELETED);
	mailbox_mark(m, 3, MAILBOX_DELETED, 0);
	/* Another program reads and renames meanwhile. */
	move_in("new/1.a", "cur/1.a:2,S");
	move_in("cur/4.d:2,S", "cur/4.d:2,RS");
	move_in("cur/3.c:2,", "cur/3.c:2,F");
	buf_init(&got, 100);
	read_all(m, 2, MAILBOX_LF, MAILBOX_WHOLE, 16, &got);
	CHECK_SPAN(buf_span(&got), SPAN("S: 3\n\n"));
	buf_free(&got);
	put_in("new/5.e", SPAN("S: 5\n\n"));
	CHECK(mailbox_commit(m, &res, &e));
	mailbox_close(m);
	CHECK_INT(res.deleted, 2);
	CHECK(!is_in("cur/1.a:2,S") && !is_in("cur/4.d:2,RS"));
	CHECK(is_in("cur/2.b:2,S") && is_in("cur/3.c:2,F") && is_in("new/5.e"));
	tear_down();
}

TEST(maildir_commit_of_what_is_gone)
{
	struct mailbox_result res;
	struct mailbox *m;
	struct err e;

	set_up();
	make_maildir();
	put_in("new/1.a", SPAN("S: 1\n\n"));
	put_in("cur/2.b:2,", SPAN("S: 2\n\n"));
	put_in("cur/3.c:2,", SPAN("S: 3\n\n"));
	m = open_box(path);
	mailbox_mark(m, 0, MAILBOX_DELETED, 0);
	mailbox_mark(m, 1, MAILBOX_SEEN, 0);
	mailbox_mark(m, 2, MAILBOX_DELETED, 0);
	/* Another program deletes meanwhile; the last message is still there. */
	move_in("new/1.a", "tmp/1.a");
	move_in("cur/2.b:2,", "tmp/2.b");
	CHECK(mailbox_commit(m, &res, &e));
	CHECK(!is_in("cur/3.c:2,"));
	mailbox_close(m);
	tear_down();
}

TEST(maildir_odd_names)
{
	char name[300], uid[2][MAILBOX_UID_MAX + 1];
	struct mailbox *m;

	set_up();
	make_maildir();
	memset(name, 'n', sizeof name);
	memcpy(name, "new/1", 5);
	name[104] = '\0';
	put_in(name, SPAN("x"));
	put_in("new/2.caf\303\251", SPAN("y"));
	m = open_box(path);
	CHECK_INT(mailbox_count(m), 2);
	mailbox_uid(m, 0, uid[0]);
	mailbox_uid(m, 1, uid[1]);
	CHECK_INT(strlen(uid[0]), 16);
	CHECK_INT(strlen(uid[1]), 16);
	CHECK(strcmp(uid[0], uid[1]) != 0);
	mailbox_close(m);
	tear_down();
}

TEST(append_and_copy)
{
	static const char want[] = F "S: 1\n\nbody\n\n" G "S: 2\nStatus: RO\n\n>From x\n\n";
	char dest[160], other[200];
	struct mailbox *m, *n;
	struct buf got;
	struct err e = {0};

	set_up();
	put_box(SPAN(F "S: 1\n\nbody\n\n" G "Status: R\nS: 2\n\n>From x\n\n"));
	snprintf(dest, sizeof dest, "%s/dest", dir);
	snprintf(other, sizeof other, "%s/folder/", dir);
	m = open_box(path);
	mailbox_mark(m, 1, MAILBOX_OLD, 0);
	for (size_t i = 0; i < 2; i++) {
		CHECK(mailbox_copy(m, i, dest, &e));
		CHECK(mailbox_copy(m, i, other, &e));
	}
	CHECK_SPAN(get_file(dest), span_str(want));
	mailbox_close(m);
	/* From the Maildir back: the envelope's sender is not in the message any more. */
	n = open_box(other);
	CHECK_INT(mailbox_count(n), 2);
	CHECK_INT(mailbox_flags(n, 1), MAILBOX_SEEN | MAILBOX_OLD);
	buf_init(&got, 1000);
	read_all(n, 1, MAILBOX_LF, MAILBOX_WHOLE, 64, &got);
	CHECK_SPAN(buf_span(&got), SPAN("S: 2\n\nFrom x\n"));
	buf_reset(&got);
	CHECK(mailbox_envelope(n, 1, &got, &e));
	CHECK_SPAN(buf_span(&got), SPAN("MAILER-DAEMON Wed Nov 25 03:18:05 2026"));
	buf_free(&got);
	mailbox_close(n);
	/* Behind a message that is not finished. */
	put_file(dest, SPAN(F "S: 0\n\nunfinished"), O_TRUNC);
	m = open_box(path);
	CHECK(mailbox_copy(m, 0, dest, &e));
	CHECK_SPAN(get_file(dest), SPAN(F "S: 0\n\nunfinished\n\n" F "S: 1\n\nbody\n\n"));
	mailbox_close(m);
	tear_down();
}

TEST_MAIN
