/* The users file: what a line says, what is refused, who is found. */
#include "format/passwdfile.h"

#include "test.h"

static const struct {
	const char *line, *user, *scheme, *secret;
	long long uid, gid;
	bool locked;
	const char *gecos, *home, *shell, *extra, *mailbox;
} rows[] = {
    {"joe:{PLAIN}pw:1000:100:Joe:/home/joe:/bin/sh:a=b userdb_mail=maildir:~/Maildir c", "joe",
     "PLAIN", "pw", 1000, 100, false, "Joe", "/home/joe", "/bin/sh",
     "a=b userdb_mail=maildir:~/Maildir c", "maildir:~/Maildir"},
    {"joe@a.org:{SHA512-CRYPT}$6$x$y:::::", "joe@a.org", "SHA512-CRYPT", "$6$x$y", -1, -1, false,
     "", "", "", "", ""},
    {"joe:$6$x$y", "joe", "CRYPT", "$6$x$y", -1, -1, false, "", "", "", "", ""},
    {"joe:", "joe", "CRYPT", "", -1, -1, true, "", "", "", "", ""},
    {"joe:{PLAIN}", "joe", "PLAIN", "", -1, -1, true, "", "", "", "", ""},
    {"joe:{PLAIN}!x", "joe", "PLAIN", "!x", -1, -1, false, "", "", "", "", ""},
    {"root:x:0:0:root:/root:/bin/sh", "root", "CRYPT", "x", 0, 0, true, "root", "/root", "/bin/sh",
     "", ""},
    {"joe:!$6$x:1:1::/:", "joe", "CRYPT", "!$6$x", 1, 1, true, "", "/", "", "", ""},
    {"joe:*:4294967294:1::/:", "joe", "CRYPT", "*", 4294967294, 1, true, "", "/", "", "", ""},
    {"joe:{PLAIN.b64}cHc=::::/h::mail=mbox:/x:y", "joe", "PLAIN.b64", "cHc=", -1, -1, false, "",
     "/h", "", "mail=mbox:/x:y", "mbox:/x:y"},
    {"joe:{PLAIN}a b::::::mail=/v/%u", "joe", "PLAIN", "a b", -1, -1, false, "", "", "",
     "mail=/v/%u", "/v/%u"},
    {"j\xc3\xb6:{PLAIN}x", "j\xc3\xb6", "PLAIN", "x", -1, -1, false, "", "", "", "", ""},
};

TEST(lines)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct passwdfile_entry e;
		struct err err = {.class = ERR_NONE};
		bool ok = passwdfile_parse(span_str(rows[i].line), &e, &err);
		if (!ok) {
			TEST_FAIL("%s: %s", rows[i].line, err.text);
			continue;
		}
		CHECK_SPAN(e.user, span_str(rows[i].user));
		CHECK_SPAN(e.scheme, span_str(rows[i].scheme));
		CHECK_SPAN(e.secret, span_str(rows[i].secret));
		CHECK_INT(e.has_uid ? (long long)e.uid : -1, rows[i].uid);
		CHECK_INT(e.has_gid ? (long long)e.gid : -1, rows[i].gid);
		CHECK_INT(e.locked, rows[i].locked);
		CHECK_SPAN(e.gecos, span_str(rows[i].gecos));
		CHECK_SPAN(e.home, span_str(rows[i].home));
		CHECK_SPAN(e.shell, span_str(rows[i].shell));
		CHECK_SPAN(e.extra, span_str(rows[i].extra));
		CHECK_SPAN(e.mailbox, span_str(rows[i].mailbox));
	}
}

TEST(refused)
{
	static const char *const bad[] = {
	    "joe",
	    ":pw",
	    "-f:pw",
	    ".joe:pw",
	    "a..b:pw",
	    "a/b:pw",
	    "a b:pw",
	    "joe:{PLAIN",
	    "joe:{}x",
	    "joe:{PL AIN}x",
	    "joe:pw:x",
	    "joe:pw:-1",
	    "joe:pw:1:4294967295",
	    "joe:pw:1:1x",
	    "joe:pw:1:1:g:home",
	    "joe:p\001w",
	    "joe:pw\r",
	    "a|b:x",
	    "a'b:x",
	    "a:b\tc",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct passwdfile_entry e;
		struct err err = {.class = ERR_NONE};
		if (passwdfile_parse(span_str(bad[i]), &e, &err))
			TEST_FAIL("taken: %s", bad[i]);
		CHECK(err.class == ERR_PERM && err.text[0]);
		CHECK(!strstr(err.text, "pw"));
	}
	char big[PASSWDFILE_LINE_MAX + 2];
	struct passwdfile_entry e;
	struct err err;
	memset(big, 'x', sizeof big);
	big[1] = ':';
	CHECK(!passwdfile_parse(span_make(big, PASSWDFILE_LINE_MAX + 1), &e, &err));
	CHECK(passwdfile_parse(span_make(big, PASSWDFILE_LINE_MAX), &e, &err));
	big[1] = 'x';
	CHECK(!passwdfile_is_user(span_make(big, PASSWDFILE_USER_MAX + 1)));
	CHECK(passwdfile_is_user(span_make(big, PASSWDFILE_USER_MAX)));
	CHECK(!passwdfile_is_user(SPAN("a\0")));
	CHECK(!passwdfile_is_user(SPAN("")));
}

TEST(find)
{
	struct span file =
	    SPAN("# joe:no\n\n  \njane:{PLAIN}1\r\nbroken line\nbad:x:y\njoe:{PLAIN}2\n"
		 "joe:{PLAIN}3\nlast:{PLAIN}4");
	struct passwdfile_entry e;
	struct err err = {.class = ERR_NONE};

	CHECK_INT(passwdfile_find(file, SPAN("joe"), &e, &err), PASSWDFILE_FOUND);
	CHECK_SPAN(e.secret, SPAN("2"));
	CHECK_INT(passwdfile_find(file, SPAN("jane"), &e, &err), PASSWDFILE_FOUND);
	CHECK_SPAN(e.secret, SPAN("1"));
	CHECK_INT(passwdfile_find(file, SPAN("last"), &e, &err), PASSWDFILE_FOUND);
	CHECK_INT(passwdfile_find(file, SPAN("jo"), &e, &err), PASSWDFILE_ABSENT);
	CHECK_INT(passwdfile_find(file, SPAN("Joe"), &e, &err), PASSWDFILE_ABSENT);
	CHECK_INT(passwdfile_find(file, SPAN(""), &e, &err), PASSWDFILE_ABSENT);
	CHECK_INT(passwdfile_find(file, SPAN("bad"), &e, &err), PASSWDFILE_BAD);
	CHECK(strcmp(err.text, "line 6: uid is not a number") == 0);
	CHECK_INT(passwdfile_find(SPAN(""), SPAN("joe"), &e, &err), PASSWDFILE_ABSENT);
}

TEST(extra_words)
{
	struct passwdfile_entry e;
	struct err err;
	struct span v;
	CHECK(
	    passwdfile_parse(SPAN("a:b::::::nologin allow_nets=10.0.0.0/8,::1  k= k=2"), &e, &err));
	CHECK(passwdfile_extra(&e, SPAN("nologin"), &v));
	CHECK_INT(v.len, 0);
	CHECK(passwdfile_extra(&e, SPAN("allow_nets"), &v));
	CHECK_SPAN(v, SPAN("10.0.0.0/8,::1"));
	CHECK(passwdfile_extra(&e, SPAN("k"), &v));
	CHECK_INT(v.len, 0);
	CHECK(!passwdfile_extra(&e, SPAN("nolog"), &v));
}

TEST_MAIN
