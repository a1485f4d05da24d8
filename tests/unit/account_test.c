/*
 * service/account: users files, templates, and passwords of every kind that can be checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/account.h"
#include "unit/test.h"

static char path[80];

static void put_users(const char *text)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/account_test.%ld", (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool find(struct account_source *s, const char *name, struct account *a, struct err *e)
{
	*e = (struct err){0};
	return account_find(s, span_str(name), a, e);
}

TEST(templates)
{
	static const struct {
		const char *template, *user, *mailbox;
	} rows[] = {
	    {"", "joe", "/var/mail/joe"},
	    {"/m/%d/%n/", "joe@x.example", "/m/x.example/joe/"},
	    {"/m/%u", "joe@x.example", "/m/joe@x.example"},
	    {"%h/Maildir/", "joe", "/home/joe/Maildir/"},
	    {"~/mbox", "joe", "/home/joe/mbox"},
	    {"/100%%/%n", "joe", "/100%/joe"},
	};
	struct account_source s;
	struct account a;
	struct err e;

	put_users("joe:{PLAIN}x::::/home/joe\njoe@x.example:{PLAIN}x::::\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(account_source_init(&s, path, rows[i].template, &e));
		CHECK(find(&s, rows[i].user, &a, &e));
		CHECK_SPAN(span_str(a.mailbox), span_str(rows[i].mailbox));
		account_source_free(&s);
	}
	CHECK(!account_source_init(&s, path, "relative/%u", &e));
	CHECK(!account_source_init(&s, path, "/m/%x", &e));
	CHECK(!account_source_init(&s, path, "/m/%", &e));
	unlink(path);
}

TEST(users_file)
{
	struct account_source s;
	struct account a;
	struct err e;

	put_users(
	    "joe:{PLAIN}secret:" /* the process itself */ "::Joe Doe:/h/joe::mail=maildir:~/M\n"
	    "ann:{PLAIN}x::::/h/ann::userdb_mail=mbox:~/mail:INBOX=/spool/%u x=y\n"
	    "bad:{PLAIN}x:notanumber::::\n");
	CHECK(account_source_init(&s, path, NULL, &e));
	CHECK(find(&s, "joe", &a, &e));
	CHECK_SPAN(span_str(a.mailbox), SPAN("/h/joe/M/"));
	CHECK_SPAN(span_str(a.gecos), SPAN("Joe Doe"));
	CHECK(geteuid() == 0 ? a.uid != 0 : a.uid == geteuid());
	CHECK(s.cache.len > 0 && !memmem(s.cache.ptr, s.cache.len, "secret", 6));
	CHECK(find(&s, "JoE", &a, &e));
	CHECK_SPAN(span_str(a.name), SPAN("joe"));
	CHECK(find(&s, "ann", &a, &e));
	CHECK_SPAN(span_str(a.mailbox), SPAN("/spool/ann"));
	CHECK(!find(&s, "bad", &a, &e));
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(!find(&s, "eve", &a, &e));
	CHECK_INT(e.class, ERR_PERM);
	CHECK_SPAN(span_str(e.status), SPAN("5.1.1"));
	/* A changed file is seen, a vanished one is no reason to refuse mail for good. */
	put_users("eve:{PLAIN}x::::\n");
	CHECK(find(&s, "eve", &a, &e));
	CHECK(!find(&s, "joe", &a, &e));
	unlink(path);
	CHECK(!find(&s, "eve", &a, &e));
	CHECK_INT(e.class, ERR_TEMP);
	account_source_free(&s);
}

TEST(full_name)
{
	static const char *const rows[][2] = {
	    {"Alice Adams,Room 1,,", "Alice Adams"},
	    {"&", "Alice"},
	    {"*C & Co;x", "C Alice Co"},
	    {"A% b", "A"},
	    {"", ""},
	};
	char mem[64];
	struct buf b;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct passwd pw = {.pw_name = (char *)"alice", .pw_gecos = (char *)rows[i][0]};

		buf_init_fixed(&b, mem, sizeof mem);
		account_put_full_name(&pw, &b);
		CHECK_SPAN(buf_span(&b), span_str(rows[i][1]));
	}
}

TEST(names)
{
	static const char *const bad[] = {"",     ".",   "..",   "../x", "a/b",  "-f",
					  ".joe", "a b", "a\tb", "a:b",  "a\nb", "*"};
	struct account_source s;
	struct account a;
	struct err e;

	CHECK(account_source_init(&s, NULL, NULL, &e));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK(!find(&s, bad[i], &a, &e));
		CHECK_INT(e.class, ERR_PERM);
	}
	CHECK(!account_name_ok(SPAN("a\0b")));
	CHECK(account_name_ok(SPAN("joe.doe+x@sub.example")));
	account_source_free(&s);
}

static bool password_opens(struct account_source *s, struct span name, struct span password,
			   struct account *a, struct err *e)
{
	struct account_proof p;
	bool ok;

	account_get_proof(s, name, &p);
	ok = account_prove(&p, password, e);
	*a = p.account;
	for (size_t i = 0; i < sizeof p.stored; i++)
		CHECK_INT(p.stored[i], 0);
	return ok;
}

TEST(system_accounts)
{
	struct account_source s;
	struct account a;
	struct err e;

	CHECK(account_source_init(&s, NULL, NULL, &e));
	if (geteuid() == 0) {
		CHECK(find(&s, "DAEMON", &a, &e));
		CHECK_SPAN(span_str(a.mailbox), SPAN("/var/mail/daemon"));
		CHECK(a.uid != 0);
		CHECK(!password_opens(&s, SPAN("root"), SPAN("x"), &a, &e));
		CHECK(!password_opens(&s, SPAN("daemon"), SPAN("*"), &a, &e));
		CHECK_INT(e.class, ERR_PERM);
	}
	CHECK(!find(&s, "no-such-user-here", &a, &e));
	CHECK_INT(e.class, ERR_PERM);
	CHECK(!password_opens(&s, SPAN("no-such-user-here"), SPAN("x"), &a, &e));
	CHECK_INT(e.class, ERR_PERM);
	account_source_free(&s);
}

TEST(schemes)
{
	static const struct {
		const char *stored, *password;
		enum err_class class;
	} rows[] = {
	    {"{PLAIN}secret", "secret", ERR_NONE},
	    {"{plain}secret", "secret", ERR_NONE},
	    {"{PLAIN}secret", "secre", ERR_PERM},
	    {"{PLAIN}secret", "secret1", ERR_PERM},
	    {"{PLAIN}secret", "Secret", ERR_PERM},
	    {"{PLAIN}secret", "", ERR_PERM},
	    {"{PLAIN}", "", ERR_PERM},
	    {"{PLAIN}", "x", ERR_PERM},
	    {"$1$ab$0123456789012345678901", "x", ERR_PERM},
	    {"$1$saltsalt$KYZ.Z8rf9j.84VA0aqmUU0", "wrong", ERR_PERM},
	    {"{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
	     "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	     "Hello world!", ERR_NONE},
	    {"{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
	     "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	     "Hello world", ERR_PERM},
	    {"{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	     "Hello world!", ERR_NONE},
	    {"{CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!",
	     ERR_NONE},
	    {"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "hello world!", ERR_PERM},
	    {"$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1", "Hello world!", ERR_NONE},
	    {"{MD5-CRYPT}$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1", "Hello world!", ERR_NONE},
	    {"{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U",
	     ERR_NONE},
	    {"{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V",
	     ERR_PERM},
	    {"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "x",
	     ERR_TEMP},
	    {"{SSHA}abc", "x", ERR_TEMP},
	    {"{PLAIN", "x", ERR_PERM},
	};
	struct err e;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		e = (struct err){0};
		CHECK_INT(
		    account_secret_fits(span_str(rows[i].stored), span_str(rows[i].password), &e),
		    rows[i].class == ERR_NONE);
		if (e.class != rows[i].class)
			TEST_FAIL("row %zu: class %d, text %s", i, e.class, e.text);
	}
}

TEST(passwords_in_users_file)
{
	struct account_source s;
	struct account a;
	struct err e;

	put_users("joe:{PLAIN}se cret::::/h/joe\nlock:!{PLAIN}x::::\nnone:::::\nstar:*::::\n"
		  "root0:{PLAIN}x:0:0::/root\nfar:{PLAIN}x::::::mail=maildir:near\n");
	CHECK(account_source_init(&s, path, NULL, &e));
	CHECK(password_opens(&s, SPAN("joe"), SPAN("se cret"), &a, &e));
	CHECK_SPAN(span_str(a.name), SPAN("joe"));
	CHECK(!password_opens(&s, SPAN("joe"), SPAN("secret"), &a, &e));
	CHECK(!password_opens(&s, SPAN("joe"), SPAN(""), &a, &e));
	CHECK(!password_opens(&s, SPAN("eve"), SPAN("se cret"), &a, &e));
	CHECK_SPAN(span_str(e.status), SPAN("5.7.8"));
	CHECK(!password_opens(&s, SPAN("lock"), SPAN("x"), &a, &e));
	CHECK(!password_opens(&s, SPAN("none"), SPAN(""), &a, &e));
	CHECK(!password_opens(&s, SPAN("star"), SPAN("*"), &a, &e));
	CHECK(!password_opens(&s, SPAN("root0"), SPAN("x"), &a, &e));
	CHECK_INT(e.class, ERR_PERM);
	/* An account that is there and of no use: told to who has the password alone. */
	CHECK(!password_opens(&s, SPAN("far"), SPAN("x"), &a, &e));
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(!password_opens(&s, SPAN("far"), SPAN("y"), &a, &e));
	CHECK_INT(e.class, ERR_PERM);
	unlink(path);
	CHECK(!password_opens(&s, SPAN("joe"), SPAN("se cret"), &a, &e));
	CHECK_INT(e.class, ERR_TEMP);
	account_source_free(&s);
}

TEST_MAIN
