/*
 * proto/pop3 and pop3_reply: a client's octets, a mailbox's answers and requests.
 *
 * The first octet chooses the chunking and what the mailbox does; the dialogue must never
 * leave the states, the bounds of out, or the order of the answers.
 */
#include <stdint.h>

#include "base/err.h"
#include "proto/pop3.h"
#include "proto/pop3_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct pop3 *p, bool ok)
{
	enum pop3_op op;

	while (pop3_answered(p, ok, &op))
		BUG_ON(op >= POP3_OPS);
}

static bool step(struct pop3 *p, struct span *in, struct buf *out, uint8_t mode)
{
	buf_reset(out);
	switch (pop3_next(p, in, out)) {
	case POP3_MORE:
	case POP3_CLOSE:
		return false;
	case POP3_LOGIN:
		BUG_ON(p->password.len > POP3_USER_MAX);
		if (mode & 1)
			pop3_login_right(p);
		else
			pop3_login_wrong(p, POP3_WRONG, out);
		break;
	case POP3_WAIT:
		BUG_ON(p->waiting == 0);
		drain(p, mode & 2);
		break;
	case POP3_STLS:
		BUG_ON(in->len);
		pop3_tls_started(p);
		break;
	case POP3_ASK:
		buf_reset(out);
		pop3_put_request(out, &p->request);
		struct pop3_request again;
		BUG_ON(!pop3_get_request(out->ptr, &again));
		break;
	case POP3_REPLIED:
		break;
	}
	BUG_ON(!buf_ok(out));
	return true;
}

static void answers(struct span in)
{
	struct pop3_answers a = {0};
	struct pop3_request r;
	struct span text;
	enum pop3_answer got;

	if (in.len >= POP3_FRAME)
		(void)pop3_get_request(in.ptr, &r);
	while ((got = pop3_get_answer(&a, &in, &text)) != POP3_A_MORE && got != POP3_A_BAD)
		BUG_ON(got == POP3_A_TEXT && text.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pop3_config config = {.host = "h", .tls = true, .plain = true};
	struct span in = span_make(data, size);
	uint8_t mode = size ? data[0] : 0;
	size_t chunk = (mode >> 2) + 1u;
	struct pop3 p;
	struct buf out;

	in = span_skip(in, 1);
	answers(in);
	buf_init(&out, POP3_OUT_MAX);
	pop3_init(&p, &config, mode & 4);
	while (in.len) {
		struct span part = span_head(in, chunk);

		in = span_skip(in, chunk);
		while (step(&p, &part, &out, mode))
			;
	}
	pop3_free(&p);
	buf_free(&out);
	return 0;
}
