/*
 * proto/secret: crypt strings made by other programs (openssl passwd; the bcrypt authors'
 * and RFC 7677's examples).
 */
#include "proto/secret.h"
#include "unit/test.h"

static const struct {
	const char *password, *stored;
} rows[] = {
    {"p", "$1$a$LJ.B8l/tL59wA7Hl5/EO4/"},
    {"Hello world!", "$1$a$AJJ2fX6RtJiThwrngw6jJ/"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$1$a$vYWBD3WJXTajp7mFy4kAg/"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$1$a$xqnV0.ks620/J6K74aXoW0"},
    {"p", "$1$saltsalt$oVkV3EDq8KTkLj17vu4OM0"},
    {"Hello world!", "$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$1$saltsalt$few0SDvGJuTMJfNdMCgP81"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$1$saltsalt$dCUfG1Db0UXgO8EacgRwB1"},
    {"p", "$5$a$Rsi04Q4ySMRbZwphTRYWj8iCLdcCCsBsGCIsTzF/nBC"},
    {"Hello world!", "$5$a$ZU7Ddhtmag.oYVNilwAYF0nkd.0VUIfAkTK/WKh6CdD"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$5$a$ZxCbKAJKluMQqDhRj1bdO/hoiKPKFyp.5KgmXGyq2f7"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$5$a$mQKadb2J3McgjJpBQzFgDg39vUlti8RAcxtiedYlGa2"},
    {"p", "$5$saltsalt$/Ia0VGUvcTZlBslv/3JC.aadLMBB39sZz0PNMe/f7y5"},
    {"Hello world!", "$5$saltsalt$7nms7uea33j6nUc5B/QNWbGgEhGAZc61YUN0rQzogB0"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$5$saltsalt$/Mznya5yNUqOIYIIGmOykYd4/sactJOTi/ZcUysNjgD"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$5$saltsalt$tb40xmegAws.i1dJwnKhMvrB/zQlHn/xOP0wM9wrlR2"},
    {"p", "$5$0123456789abcdef$5M.P5v5nvakHNXdAukE07B0Y4JtrN7aOmjrQTmw2EAD"},
    {"Hello world!", "$5$0123456789abcdef$iwtal7EDnW3Ts3mURAdsgwwJMDONlOpKqRHd/eVLyQ0"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$5$0123456789abcdef$Offh1eCYkMGHUZaRYxYSzNhgmDI9PQ.k7bbatuTa.v."},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$5$0123456789abcdef$Fn4yQfW9v3Aqmoubmd2tXvAUm5KZrvZA/oyN83XYwyA"},
    {"p", "$5$rounds=1000$x$jnKCgcvzlaMhCD94abAnGe/tPzJ3hT7XsUaiRSiWn27"},
    {"Hello world!", "$5$rounds=1000$x$FRIQdG5/2f83mshyxX9hw6kBo/9cVLcoFA5PgsifJB9"},
    {"p",
     "$6$a$2.GZ8yudlr5SHiCPkX5N4O16VrDiQ2OZrbwWIoAlxZVHQFGoqZP6JY4XB1c.jTYlVXS7wOdfIg7aItV3orkit0"},
    {"Hello world!",
     "$6$a$AFcLpvg4c/kvgOMCRIZdF47IH4gPriY1lAcoE4SYZZbS1oWLIMEJT81RcN4cgxc758CMUDU7NcMkIrSUNZ8GV/"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$6$a$.M9fkYjBKZS53ALVcKFhTDCWhmEZnV31Y/FFuFWUK2NKAGm5cAr3fBooWeVJnAvaxHVqTXv7r8PxqWxDMqcwi/"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$6$a$WlncGgkGaWP3upAL5mzsCj3sBWEXcsuqzrnJUtJ9aBp58ThuEqwuu8lf.seQZFEGvmYgmsPO4z9KYR/F3AgR81"},
    {"p", "$6$saltsalt$"
	  "T8zzampJcN172f1r0kNFFiQGdtFquc5jnzebqomQxxdUNGG69JTP0XFkH2sFbHn4FG4SGRFsmj2vnmTApt5fI/"},
    {"Hello world!", "$6$saltsalt$pn.eNCAqRIao3pxsOGdjVa9wVR7Rb/3WnbxOluoQKVZPzLuyetx3yF6VIZDfQnn/"
		     "arrFVfrq3BqRb9gLqhI5z0"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$6$saltsalt$jj0/1v8ZaK/"
     "nhCM8sBULJrCvrRsaVIUaM1mgnnIfKp4etInK1E7h1ZmhgswwKEFEYCI2mnQlNIglg0yUILTDv."},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$6$saltsalt$Z3/r9XeD29JmqU1Mdjsk808Ig8fb/"
     "jdHYryJ57liOKveFVFj.RH2KiF3CIE5ULcfx1a1Ui5Wz2OaHcbx.sCFw1"},
    {"p", "$6$0123456789abcdef$pUoilKX2fNNXQM/D9bilo9FJQBKgG.7it1plknW1DYjJWacS2l/"
	  "V1y6NNjjKYm3ccWsx6QlzdrJtbng1tFPwb/"},
    {"Hello world!", "$6$0123456789abcdef$borNQb4Q87VhdsvRUrkAIOI29SOnSTZO9jyfh/"
		     "XM94.IMNGHlu0GpQpzVx3iZCsDJYlnrC7J6GaF9MVSlWdEi."},
    {"0123456789012345678901234567890123456789012345678901234567890123456789",
     "$6$0123456789abcdef$92V1lmmUsdy74JtYW.M6ouuLBSlI2gtawAaFFmKrcekePxEh1F7y2HytqbcOdZU."
     "6E8fCMcUnWg6frtvloKHW."},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "$6$0123456789abcdef$FXtICrWZMM5T2GTeR0X95GmHbKEuoqn1eNtYZRO0zkJXflL75TMKswiXdK9J3sW0n/"
     "VA.pX.GAA6nnVruSTqb0"},
    {"p", "$6$rounds=1000$x$ed51vZfkfG73H2zL.yprRzIGbNMvYZtovyc.QYYdBPZsyIDhRPWKi4I86d6M7SsM12yuNv."
	  "/0ftX1xXehrbUG1"},
    {"Hello world!", "$6$rounds=1000$x$AXZriv1EhkVmi2pUsOOluJ2moRsWhl8eg63p9bsXIg6/"
		     "kFEOMxLAqaeemMhYvK/9i1KJo9cIV9dfRbooNjOgt/"},
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
    {"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
    {"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are "
     "ignored",
     "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
};

TEST(known_crypt_strings)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span stored = span_str(rows[i].stored),
			    password = span_str(rows[i].password);
		char other[256];
		struct buf b;

		buf_init(&b, SECRET_CRYPT_MAX);
		CHECK(secret_crypt(stored, password, &b));
		CHECK_SPAN(buf_span(&b), stored);
		buf_free(&b);
		CHECK_INT(secret_fits_crypt(stored, password), SECRET_FITS);
		memcpy(other, password.ptr, password.len);
		other[0] ^= 1;
		CHECK_INT(secret_fits_crypt(stored, span_make(other, password.len)),
			  SECRET_DIFFERS);
	}
}

TEST(unknown_kinds)
{
	static const char *const stored[] = {"",
					     "$",
					     "$y$j9T$abc",
					     "$2x$05$CCCCCCCCCCCCCCCCCCCCC.",
					     "$2a$05$short",
					     "$2a$31$CCCCCCCCCCCCCCCCCCCCC.",
					     "$2a$03$CCCCCCCCCCCCCCCCCCCCC.",
					     "$6$rounds=x$y$z",
					     "abJnggxhB/yWI",
					     "$2a$05$CCCCCCCCCCC CCCCCCCCCC."};

	for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
		CHECK_INT(secret_fits_crypt(span_str(stored[i]), SPAN("x")), SECRET_UNKNOWN);
}

TEST(scram)
{
	/* RFC 7677 section 3: user, pencil */
	static const char stored[] =
	    "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

	CHECK_INT(secret_fits_scram(span_str(stored), SPAN("pencil")), SECRET_FITS);
	CHECK_INT(secret_fits_scram(span_str(stored), SPAN("pencils")), SECRET_DIFFERS);
	CHECK_INT(secret_fits_scram(SPAN("4096,W22ZaJ0SNY7soEsUEjb6gQ=="), SPAN("pencil")),
		  SECRET_UNKNOWN);
	CHECK_INT(
	    secret_fits_scram(
		SPAN("0,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="),
		SPAN("pencil")),
	    SECRET_UNKNOWN);
	CHECK_INT(secret_fits_scram(SPAN(""), SPAN("pencil")), SECRET_UNKNOWN);
}

TEST(equality)
{
	CHECK(secret_equal(SPAN("abc"), SPAN("abc")));
	CHECK(!secret_equal(SPAN("abc"), SPAN("abd")));
	CHECK(!secret_equal(SPAN("ab"), SPAN("abc")));
	CHECK(!secret_equal(SPAN("abc"), SPAN("ab")));
	CHECK(!secret_equal(SPAN(""), SPAN("a")));
	CHECK(secret_equal(SPAN(""), SPAN("")));
}

TEST_MAIN
