/*
 * service/smtpd: the table of sessions.
 */
#include "service/smtpd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "unit/test.h"

enum { SLOTS = 65536 };

TEST(full_table_refuses_and_stays)
{
	struct smtpd *d = calloc(1, sizeof *d);
	struct smtpd_session *s = calloc(1, sizeof *s);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(d && s && fd >= 0);
	d->sessions = calloc(SLOTS, sizeof(struct smtpd_session *));
	d->slots = d->open = SLOTS;
	for (size_t i = 0; i < SLOTS; i++)
		d->sessions[i] = s;
	s->id = SLOTS - 1;
	smtpd_session_open(d, fd, MTA_L_TCP, NULL, "192.0.2.1", 1, UINT32_MAX);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	CHECK_INT(errno, EBADF);
	CHECK_INT(d->open, SLOTS);
	CHECK_INT(d->slots, SLOTS);
	CHECK(smtpd_session_find(d, SLOTS - 1) == s);
	free(d->sessions);
	free(d);
	free(s);
}

/* What is accepted after a refused DATA is a command, and no text follows it. */
TEST(refused_data_is_over)
{
	struct smtpd *d = calloc(1, sizeof *d);
	struct smtpd_session s = {.d = d, .asked = MTA_CHECK_OTHER, .at_data = true};
	struct mta_verdict no = {.fate = MTA_TAKEN}, yes = no;

	CHECK(d != NULL);
	smtp_server_init(&s.smtp, &d->config[0], SPAN("client"));
	buf_init(&s.out, 1024);
	s.smtp.due = SMTP_EV_DATA;
	err_perm(&no.err, "5.7.1", "no text of yours");
	smtpd_event_verdict(&s, &no);
	s.asked = MTA_CHECK_MAIL;
	s.smtp.due = SMTP_EV_MAIL;
	smtpd_event_verdict(&s, &yes);
	CHECK(!s.in_body && !s.store);
	CHECK(span_starts(buf_span(&s.out), SPAN("550 5.7.1 no text of yours\r\n250 ")));
	buf_free(&s.out);
	free(d);
}

/* Asks and, where no answer is known, gives one; true when it was known. */
static bool ask(struct smtpd_session *s, const char *rcpt, uint32_t id, bool yes)
{
	char mem[WIRE_MAX], answer[WIRE_MAX];
	struct mta_check c = {.origin = {.addr = SPAN("192.0.2.1")}, .rcpt = span_str(rcpt)};
	struct mta_verdict v = {.address = span_str(rcpt), .user = SPAN("u")}, got;
	struct buf question, b;
	struct wire_in in;

	buf_init_fixed(&question, mem, sizeof mem);
	buf_init_fixed(&b, answer, sizeof answer);
	mta_ipc_put_check(&question, MTA_CHECK_RCPT, id, &c);
	if (smtpd_known_verdict(s, &question, &got)) {
		CHECK_SPAN(got.address, span_str(rcpt));
		CHECK_INT(got.err.class, ERR_NONE);
		return true;
	}
	if (!yes)
		err_perm(&v.err, "5.1.1", "no");
	mta_ipc_put_verdict(&b, id, &v);
	CHECK(wire_open(&in, buf_span(&b)));
	smtpd_known_learn(s, in.rest, &v);
	return false;
}

/* The queue role is spared only what it said yes to several times within moments. */
TEST(known_answers_of_a_burst)
{
	struct smtpd *d = calloc(1, sizeof *d);
	struct smtpd_session a = {.d = d}, b = {.d = d};

	CHECK(d != NULL);
	d->loop.now_ms = 1000000;
	for (uint32_t i = 0; i < 4; i++)
		CHECK(!ask(&a, "u@a", i, true));
	CHECK(!ask(&a, "u@b", 1, true));
	CHECK(!ask(&a, "u@a", 5, true));
	CHECK(ask(&b, "u@a", 77, true));
	CHECK(!ask(&b, "v@a", 78, true));
	/* Old: asked again, once. */
	d->loop.now_ms += SMTPD_KNOWN_MS;
	CHECK(!ask(&a, "u@a", 6, true));
	CHECK(ask(&a, "u@a", 7, true));
	/* What comes now and then is always asked about. */
	d->loop.now_ms += 60000;
	for (uint32_t i = 0; i < 9; i++, d->loop.now_ms += 2000)
		CHECK(!ask(&a, "u@a", i, true));
	/* A no is never kept, and a new queue role is asked anew. */
	for (uint32_t i = 0; i < 9; i++)
		CHECK(!ask(&a, "x@a", i, false));
	for (uint32_t i = 0; i < 9; i++)
		ask(&a, "u@a", i, true);
	CHECK(ask(&a, "u@a", 10, true));
	smtpd_known_forget(d);
	CHECK(!ask(&a, "u@a", 11, true));
	smtpd_known_forget(d);
	free(a.known);
	free(b.known);
	free(d);
}

TEST_MAIN
