/*
 * service/smarthost: what LETTERBOX_RELAY may say.
 */
#include "service/smarthost.h"

#include "unit/test.h"

struct good {
	const char *url, *hosts, *user;
	enum mta_protocol protocol;
	enum mta_tls tls;
	unsigned port;
};

TEST(urls)
{
	static const struct good good[] = {
	    {"smtps://me@mail.example:4465", "[mail.example]", "me", MTA_SMTP, MTA_TLS_AT_ONCE,
	     4465},
	    {"smtps://mail.example", "[mail.example]", "", MTA_SMTP, MTA_TLS_AT_ONCE, 465},
	    {"SMTP://a@b.example@mail.example/", "[mail.example]", "a@b.example", MTA_SMTP,
	     MTA_TLS_VERIFIED, 587},
	    {"smtp://a%40b%25@mail.example", "[mail.example]", "a@b%", MTA_SMTP, MTA_TLS_VERIFIED,
	     587},
	    {"smtp+plain://192.0.2.1:2525", "[192.0.2.1]", "", MTA_SMTP, MTA_TLS_MAY, 2525},
	    {"smtp+plain://[2001:db8::1]:2525", "[IPv6:2001:db8::1]", "", MTA_SMTP, MTA_TLS_MAY,
	     2525},
	    {"smtp+plain://[2001:db8::1]", "[IPv6:2001:db8::1]", "", MTA_SMTP, MTA_TLS_MAY, 25},
	    {"lmtp:/run/dovecot/lmtp", "/run/dovecot/lmtp", "", MTA_LMTP, MTA_TLS_NEVER, 0},
	    {"lmtp://127.0.0.1", "[127.0.0.1]", "", MTA_LMTP, MTA_TLS_MAY, 24},
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct smarthost u;
		struct err e = {0};

		if (!smarthost_parse(span_str(good[i].url), &u, &e)) {
			TEST_FAIL("%s: %s", good[i].url, e.text);
			continue;
		}
		CHECK_SPAN(span_str(u.hosts), span_str(good[i].hosts));
		CHECK_SPAN(span_str(u.user), span_str(good[i].user));
		CHECK_INT(u.protocol, good[i].protocol);
		CHECK_INT(u.tls, good[i].tls);
		CHECK_INT(u.port, good[i].port);
	}
}

TEST(what_is_no_url)
{
	static const char *const bad[] = {
	    "",
	    "mail.example",
	    "http://mail.example",
	    "smtp:mail.example",
	    "smtp://",
	    "smtp://user@",
	    "smtp://mail.example:",
	    "smtp://mail.example:0",
	    "smtp://mail.example:65536",
	    "smtp://mail.example:25x",
	    "smtp://mail example",
	    "smtp://mail.example\r\nX",
	    "smtp://a%0d%0ab@mail.example",
	    "smtp://[2001:db8::1",
	    "smtp://mail.example/path",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct smarthost u;
		struct err e = {0};

		if (smarthost_parse(span_str(bad[i]), &u, &e))
			TEST_FAIL("%s was taken", bad[i]);
		CHECK_INT(e.class, ERR_PERM);
		/* Nobody's password ends in a log. */
		CHECK(!bad[i][0] || !strstr(e.text, bad[i]) || bad[i][4] == ':');
	}
}

TEST_MAIN
