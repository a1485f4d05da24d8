/* From 8 bits to 7: every message whole, split everywhere, and octet by octet. */
#include "format/mime_seven.h"

#include "test.h"

static void convert(struct span in, size_t step, struct buf *out)
{
	struct mime_seven m;

	mime_seven_init(&m);
	for (size_t first = step; in.len; first = step ? step : 1) {
		size_t n = first < in.len ? first : in.len;
		char *copy = malloc(n ? n : 1);

		memcpy(copy, in.ptr, n);
		mime_seven_feed(&m, span_make(copy, n), out);
		free(copy);
		in = span_skip(in, n);
	}
	mime_seven_finish(&m, out);
	mime_seven_finish(&m, out);
}

static const struct {
	const char *in, *want;
} rows[] = {
    {"", ""},
    {"Subject: x\n\nplain\n", "Subject: x\n\nplain\n"},
    /* Nobody said that it has 8 bits. */
    {"Subject: x\n\nh\xc3\xa9\n", "Subject: x\n\nh\xc3\xa9\n"},
    {"Content-Transfer-Encoding: 8bit\nSubject: x\n\nh\xc3\xa9 = \n.\n",
     "Content-Transfer-Encoding: quoted-printable\nSubject: x\n\nh=C3=A9 =3D=20\n=2E\n"},
    {"A: b\r\ncontent-transfer-encoding:\r\n BINARY\r\n\r\n\xff\r\n",
     "A: b\r\nContent-Transfer-Encoding: quoted-printable\n\r\n=FF\n"},
    {"Content-Transfer-Encoding: base64\n\nw6k=\n", "Content-Transfer-Encoding: base64\n\nw6k=\n"},
    /* Parts, an inner multipart whose end is missing, and a message with a header of its own. */
    {"Content-Type: multipart/mixed;\n boundary=\"o\"\nContent-Transfer-Encoding: 8bit\n\n"
     "pre\n--o\nContent-Transfer-Encoding: 8bit\n\n\xe4\n--ox\n--o \n\nasc\n"
     "--o\nContent-Type: multipart/alternative; boundary=i\nContent-Transfer-Encoding: 8bit\n\n"
     "--i\nContent-Transfer-Encoding: 8bit\n\n\xe4\n"
     "--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
     "Subject: in\nContent-Transfer-Encoding: 8bit\n\n\xe4\n--o--\n\xe4\n",
     "Content-Type: multipart/mixed;\n boundary=\"o\"\n\n"
     "pre\n--o\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n--ox\n--o \n\nasc\n"
     "--o\nContent-Type: multipart/alternative; boundary=i\n\n"
     "--i\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n"
     "--o\nContent-Type: message/rfc822\n\n"
     "Subject: in\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n--o--\n\xe4\n"},
    /* No boundary, a part without a header's end, and no end at all. */
    {"Content-Type: multipart/mixed\nContent-Transfer-Encoding: 8bit\n\n\xe4\n",
     "Content-Type: multipart/mixed\nContent-Transfer-Encoding: 8bit\n\n\xe4\n"},
    {"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Transfer-Encoding: 8bit\n--o--",
     "Content-Type: multipart/mixed; boundary=o\n\n"
     "--o\nContent-Transfer-Encoding: quoted-printable\n--o--"},
    {"Content-Transfer-Encoding: 8bit", "Content-Transfer-Encoding: quoted-printable\n"},
};

TEST(messages)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct span in = span_str(rows[i].in);

		for (size_t step = 0; step <= in.len; step++) {
			struct buf out;

			buf_init(&out, 1 << 20);
			convert(in, step, &out);
			CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
			buf_free(&out);
		}
	}
}

/* Deep nesting and long headers and lines are passed on, and nothing is lost. */
TEST(limits)
{
	struct buf in, out;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 0; i < 12; i++)
		buf_printf(&in, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	buf_puts(&in, "X: ");
	for (int i = 0; i < 70000; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\n\nend\n");
	convert(buf_span(&in), 0, &out);
	CHECK_SPAN(buf_span(&out), buf_span(&in));
	buf_free(&in);
	buf_free(&out);
}

TEST_MAIN
